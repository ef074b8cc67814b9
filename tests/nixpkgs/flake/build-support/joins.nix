# Several packages in one folder of links.
{ lib, final }:
{
  symlinkJoin =
    {
      name ? "${pname}-${version}",
      pname ? null,
      version ? null,
      paths ? [ ],
      nativeBuildInputs ? [ ],
      postBuild ? "",
      meta ? { },
      passthru ? { },
      ...
    }:
    final.runCommand name
      {
        inherit
          paths
          nativeBuildInputs
          meta
          passthru
          ;
      }
      ''
        mkdir -p "$out"
        for path in $paths; do
          # Folders are made, files are linked: so two packages can share bin. The first wins.
          (cd "$path" && find -L . -mindepth 1 -type d) | while read -r folder; do
            mkdir -p "$out/$folder"
          done
          (cd "$path" && find . ! -type d) | while read -r file; do
            if [ ! -e "$out/$file" ] && [ ! -L "$out/$file" ]; then
              ln -s "$path/''${file#./}" "$out/$file"
            fi
          done
        done
        ${postBuild}
      '';

  buildEnv =
    {
      name,
      paths,
      pathsToLink ? [ "/" ],
      postBuild ? "",
      ignoreCollisions ? false,
      meta ? { },
      passthru ? { },
      ...
    }:
    final.symlinkJoin {
      inherit
        name
        paths
        postBuild
        meta
        passthru
        ;
    };

  linkFarm =
    name: entries:
    let
      list =
        if lib.isAttrs entries then
          lib.mapAttrsToList (name: path: { inherit name path; }) entries
        else
          entries;
    in
    final.runCommand name { } (
      lib.concatMapStrings (entry: ''
        mkdir -p "$(dirname "$out/${entry.name}")"
        ln -s ${entry.path} "$out/${entry.name}"
      '') ([ ] ++ list)
      + ''
        mkdir -p "$out"
      ''
    );
}
