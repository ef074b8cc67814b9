# The files that a spec is made of, as texts, for the builder, which reads the spec once more (build-jail.nix).
#
# Nix does not report what an evaluation has read, and copying the spec's folder could publish what is in it: the store is
# readable for every user. So paths are looked for in the text of the spec, and in the texts of what it imports: of a path
# that follows `import` or `readFile` and of each `.nix` file the text comes along, of the others only that they exist.
# Comments are left out. A file that the spec finds in another way is named in `files`; without it the build stops.
{ lib }:
let
  withoutLast = list: lib.genList (builtins.elemAt list) (builtins.length list - 1);

  # The text without comments that fill a line or end it. Text that is wrongly taken for a comment makes the build stop.
  uncommented =
    text:
    let
      pieces = builtins.filter builtins.isString (builtins.split "(^|\n)[ \t]*/[*]" text);
      behind = piece: lib.concatStringsSep "*/" (builtins.tail (lib.splitString "*/" piece));
      code = lib.concatStringsSep "\n" ([ (builtins.head pieces) ] ++ map behind (builtins.tail pieces));
      lines = builtins.filter builtins.isString (builtins.split "[\r\n]" code);
    in
    lib.concatMapStringsSep "\n" (line: builtins.head (builtins.split "(^|[ \t;{}()])#" line)) lines;

  # The components of a path below the folder, or null when it leads out of it.
  normal =
    path:
    builtins.foldl' (
      done: part:
      if done == null || part == "" || part == "." then
        done
      else if part != ".." then
        done ++ [ part ]
      else if done == [ ] then
        null
      else
        withoutLast done
    ) [ ] (lib.splitString "/" path);

  reader = "(import|importJSON|importTOML|readFile|fileContents)[ \t\n]+";
  path = "[a-zA-Z0-9._+-]*(/[a-zA-Z0-9._+-]+)+";

  # The paths of a text, each with whether it is read.
  mentioned =
    text:
    map (groups: {
      path = builtins.elemAt groups 2;
      isRead = builtins.head groups != null;
    }) (builtins.filter builtins.isList (builtins.split "(${reader})?(${path})" (uncommented text)));
in
# spec   the spec: a path, or a string that is one
# files  further files and folders of its folder
{ spec, files }:
let
  folder = dirOf spec;
  below = parts: lib.concatStringsSep "/" parts;

  # What an entry is, or null. No link is followed, in the middle neither: it may lead out of the folder.
  kindOf =
    parts:
    if parts == [ ] then
      "directory"
    else if kindOf (withoutLast parts) != "directory" then
      null
    else
      kindOfEntry (withoutLast parts) (lib.last parts);

  # Newer releases of Nix need not read the folder for it.
  kindOfEntry =
    parent: name:
    let
      around = folder + "/${below parent}";
    in
    if !(builtins ? readFileType) then
      (builtins.readDir around).${name} or null
    else if builtins.pathExists (around + "/${name}") then
      builtins.readFileType (around + "/${name}")
    else
      null;

  textOf = name: builtins.unsafeDiscardStringContext (builtins.readFile (folder + "/${name}"));

  # A file or folder in the form of `builtins.genericClosure`, with its text if it is read.
  entry =
    parts: isRead:
    let
      kind = kindOf parts;
      name = below parts;
      hasText = kind == "regular" && isRead;
    in
    {
      inherit name kind;
      key = if hasText then "text of ${name}" else name;
      # Whether all that is in the folder comes along.
      whole = false;
      text = if hasText then textOf name else null;
    };

  # What a path in the text of a file amounts to: nothing, the file, or the folder with its `default.nix`.
  entriesOf =
    from: found:
    let
      parts = normal "${from}/${found.path}";
      default = parts ++ [ "default.nix" ];
      isRelative = builtins.substring 0 1 found.path != "/" && parts != null;
      isInside = isRelative && toString folder != builtins.storeDir && kindOf parts != null;
    in
    if !isInside then
      [ ]
    else
      [ (entry parts (found.isRead || lib.hasSuffix ".nix" found.path)) ]
      ++ lib.optional (found.isRead && kindOf default == "regular") (entry default true);

  parentOf = name: below (withoutLast (lib.splitString "/" name));
  furtherOf =
    file:
    lib.optionals (file.text != null) (
      builtins.concatMap (entriesOf (parentOf file.name)) (mentioned file.text)
    );

  # All of a file or folder that is named in `files`.
  named =
    path:
    let
      text = toString path;
      parts = normal (lib.removePrefix "${toString folder}/" text);
    in
    if !lib.hasPrefix "${toString folder}/" text then
      throw "jailgen: `${text}`, one of the `files` of a spec, is not in the spec's folder"
    else
      allOf parts;
  allOf =
    parts:
    if kindOf parts == "directory" then
      [ (entry parts false // { whole = true; }) ]
      ++ builtins.concatMap (name: allOf (parts ++ [ name ])) (
        builtins.attrNames (builtins.readDir (folder + "/${below parts}"))
      )
    else
      [ (entry parts true) ];

  file = builtins.unsafeDiscardStringContext (baseNameOf (toString spec));
  main = {
    name = file;
    key = "text of ${file}";
    kind = "regular";
    whole = false;
    text = textOf file;
  };
  all = builtins.genericClosure {
    startSet = [ main ] ++ builtins.concatMap named files;
    operator = furtherOf;
  };
  best = lib.partition (it: it.text != null || it.whole) all;
in
{
  inherit file;

  # Of two entries of one name the first counts.
  entries = lib.listToAttrs (
    map (it: lib.nameValuePair it.name { inherit (it) kind text whole; }) (best.right ++ best.wrong)
  );
}
