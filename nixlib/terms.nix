# From Nix values to terms: the JSON form that jail-registry reads (src/jail-registry/src/term/json.rs).
#
# Nothing is judged here. `jailgen seal` reports what is wrong with a value when the jail is built: all of it at once, in the
# words of the `.jail` front end, and without this library's internals around it.
{
  lib,
  registry,
  # The combinators that a function of permissions is called with.
  combinators,
}:
let
  devShellEnvironment = import ./dev-shell.nix;

  # What a constructor makes: an attribute set with its `term`. With further arguments it is called like a function.
  isMade = value: builtins.isAttrs value && value._type or null == "jailgen";

  permission = name: params: arguments: {
    _type = "jailgen";
    term = {
      combinator = name;
      arguments = lib.imap0 (
        index: toTerm (if index < builtins.length params then builtins.elemAt params index else "any")
      ) arguments;
    };
    __functor = _self: argument: permission name params (arguments ++ [ argument ]);
  };

  # `noescape` and `escape`. Only `escape` can stand in a string: quoted for a shell, as in jail.nix.
  text =
    name: expand:
    permission name [ "text" ] [ ]
    // {
      __functor =
        _self: given:
        let
          string = if isMade given && given ? text then given.text else toTerm "text" given;
        in
        if !builtins.isString string then
          permission name [ "text" ] [ given ]
        else
          {
            _type = "jailgen";
            text = string;
            term = if expand then { noescape = string; } else string;
          }
          // lib.optionalAttrs (!expand) { __toString = _self: lib.escapeShellArg string; };
    };

  constructor =
    name: entry: if entry ? expand then text name entry.expand else permission name entry.params [ ];

  # Whether a type, or one that it may be instead, is one of these words.
  wants =
    words: type:
    if builtins.isString type then
      builtins.elem type words
    else
      builtins.any (wants words) (type.either or [ ]);

  wantsPermissions = type: wants [ "permission" ] type || wants [ "permission" ] (elementOf type);
  wantsText =
    type:
    wants [
      "text"
      "literal"
      "script"
    ] type;
  wantsPackage =
    type:
    wants [
      "package"
      "entry"
    ] type;

  # The first of what a type may be that has this property.
  partOf = find: type: if type ? either then firstOf (map find type.either) else find type;
  firstOf =
    types:
    let
      found = builtins.filter (type: type != "any") types;
    in
    if found == [ ] then "any" else builtins.head found;

  elementOf = partOf (type: type.list or "any");
  fieldOf = name: partOf (type: type.fields.${name} or (type.map or "any"));

  toTerm =
    type: value:
    if isMade value then
      value.term
    else if lib.isDerivation value then
      ofPackage type value
    else if lib.isFunction value then
      ofFunction type value
    else if builtins.isAttrs value then
      if value ? outPath then toTerm type value.outPath else ofAttributes type value
    else if builtins.isList value then
      ofList type value
    else if builtins.isPath value then
      ofPath value
    else
      value;

  # Nix copies a path that becomes text into the store, where every user can read it: a grant of a secret would publish the
  # secret, and grant the copy. So nothing here makes text of a value with `${…}`, but with `toString`, which copies nothing.
  # A path below the store stays what it is. Any other is refused when the jail is built, as by the other front end.
  ofPath =
    path:
    let
      text = toString path;
      object = builtins.substring 0 (builtins.stringLength builtins.storeDir + 1) text;
      name = builtins.head (builtins.split "/" (lib.removePrefix object text));
    in
    if object == "${builtins.storeDir}/" && name != "" then
      builtins.appendContext text { "${object}${name}".path = true; }
    else
      { path = text; };

  ofAttributes = type: value: {
    attributes = builtins.mapAttrs (name: toTerm (fieldOf name type)) value;
  };

  # Lists in lists of permissions are one list, as in `compose`.
  ofList =
    type: value:
    if wantsPermissions type then
      map (toTerm "element") (lib.flatten value)
    else
      map (toTerm (elementOf type)) value;

  # A package represents its path where a text is expected.
  ofPackage =
    type: package:
    if wants [ "shell" ] type then
      { package = storePaths (devShellEnvironment package); }
    else if builtins.isPath package.outPath then
      ofPath package.outPath
    else if wantsText type && !wantsPackage type then
      toTerm type package.outPath
    else
      { package = storePaths package; };

  # A function is a script around the entry, or makes permissions of the combinators.
  ofFunction =
    type: function:
    if wants [ "script" ] type then
      ofScript (function entry)
    else if wantsPermissions type then
      let
        made = function combinators;
      in
      if lib.isFunction made && !isMade made then { function = true; } else toTerm type made
    else
      { function = true; };

  # What a script is given in the place of the program that it wraps. A shell needs no quotes around it.
  entry = "/${builtins.hashString "sha256" "the entry of a jail"}";

  ofScript =
    script:
    if builtins.isString script then
      let
        withContext = part: builtins.substring 0 0 script + part;
        parts = map withContext (builtins.filter builtins.isString (builtins.split entry script));
      in
      if builtins.length parts == 1 then script else { script = parts; }
    else
      toTerm "text" script;

  # As `lib.getExe` has it, without its warning: not every package here has a program.
  storePaths = package: {
    out = toString package;
    bin = toString (lib.getBin package);
    program = "${toString (lib.getBin package)}/bin/${
      toString (package.meta.mainProgram or (lib.getName package))
    }";
  };

  # The combinators of a term.
  namesIn =
    term:
    if builtins.isList term then
      builtins.concatMap namesIn term
    else if !builtins.isAttrs term then
      [ ]
    else if term ? combinator then
      [ term.combinator ] ++ namesIn term.arguments
    else
      namesIn (builtins.attrValues (term.attributes or { }));
in
{
  inherit
    toTerm
    storePaths
    isMade
    namesIn
    ;
  combinators = builtins.mapAttrs constructor registry.combinators;
}
