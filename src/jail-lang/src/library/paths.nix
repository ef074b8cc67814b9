# Paths, and files of the spec's folder. `lib` is the whole library: each entry is read when it is first needed (`mod.rs`).
lib: {
  path.append =
    path: subpath:
    if !builtins.isPath path then
      throw "lib.path.append: the first argument is a ${builtins.typeOf path}, not a path"
    else if !lib.path.subpath.isValid subpath then
      throw "lib.path.append: the second argument is not a path below a folder"
    else
      path + "/${subpath}";

  path.subpath = {
    isValid =
      value:
      builtins.isString value
      && value != ""
      && builtins.substring 0 1 value != "/"
      && !(builtins.elem ".." (lib.splitString "/" value));
    components =
      subpath:
      if lib.path.subpath.isValid subpath then
        builtins.filter (name: name != "" && name != ".") (lib.splitString "/" subpath)
      else
        throw "lib.path.subpath: this is not a path below a folder: ${lib.generators.toPretty { } subpath}";
    join =
      subpaths:
      let
        names = builtins.concatMap lib.path.subpath.components subpaths;
      in
      "./" + (if names == [ ] then "." else builtins.concatStringsSep "/" names);
    normalise = subpath: lib.path.subpath.join [ subpath ];
  };

  filesystem.pathType = builtins.readFileType;

  pathType = builtins.readFileType;

  pathIsDirectory = path: builtins.pathExists path && builtins.readFileType path == "directory";

  pathIsRegularFile = path: builtins.pathExists path && builtins.readFileType path == "regular";

  filesystem.listFilesRecursive =
    folder:
    let
      entry =
        name: type:
        if type == "directory" then
          lib.filesystem.listFilesRecursive (folder + "/${name}")
        else
          [ (folder + "/${name}") ];
    in
    builtins.concatLists (lib.mapAttrsToList entry (builtins.readDir folder));

  filesystem.haskellPathsInDir =
    folder:
    let
      paths = builtins.mapAttrs (name: _: folder + "/${name}") (builtins.readDir folder);
    in
    lib.filterAttrs (name: path: builtins.pathExists (path + "/${name}.cabal")) paths;

  filesystem.resolveDefaultNix =
    path:
    if lib.pathIsDirectory path then
      path + "/default.nix"
    else if builtins.isString path && lib.hasSuffix "/" path then
      path + "default.nix"
    else
      path;

}
