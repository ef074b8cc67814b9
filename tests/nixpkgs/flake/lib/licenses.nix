# Licences, as far as tests need to know: which one, and whether it is free.
let
  license = free: shortName: {
    inherit free shortName;
    spdxId = shortName;
    fullName = shortName;
    deprecated = false;
    redistributable = free;
  };
in
builtins.mapAttrs (_: license true) {
  agpl3Only = "AGPL-3.0-only";
  asl20 = "Apache-2.0";
  bsd3 = "BSD-3-Clause";
  free = "free";
  gpl2Only = "GPL-2.0-only";
  gpl3Only = "GPL-3.0-only";
  gpl3Plus = "GPL-3.0-or-later";
  isc = "ISC";
  lgpl21Plus = "LGPL-2.1-or-later";
  mit = "MIT";
  mpl20 = "MPL-2.0";
  publicDomain = "public-domain";
}
// builtins.mapAttrs (_: license false) {
  fsl11Mit = "FSL-1.1-MIT";
  unfree = "unfree";
  unfreeRedistributable = "unfree-redistributable";
}
