# What a package says about itself.
lib: {
  getExe =
    package:
    lib.getExe' package (
      package.meta.mainProgram
        or (lib.warn "getExe: package ${package.name or "?"} has no meta.mainProgram" (lib.getName package))
    );
  getExe' = package: name: "${lib.getBin package}/bin/${name}";
  setName = name: package: package // { inherit name; };
  addMetaAttrs = attributes: package: package // { meta = package.meta or { } // attributes; };
  lowPrio = lib.addMetaAttrs { priority = 10; };
  hiPrio = lib.addMetaAttrs { priority = -10; };
  availableOn =
    platform: package:
    let
      platforms = package.meta.platforms or lib.platforms.all;
    in
    builtins.elem platform.system platforms;
}
