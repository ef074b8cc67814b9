# The module system, as far as a small module uses it: nested options, submodules, defaults, and definitions in several modules.
# What real nixpkgs has beyond that (other priorities, conditions, freeform types) is an error here, never silently something else.
lib:
let
  isOption = value: value._type or null == "option";

  # A module as a set, whatever form it was given in.
  load =
    arguments: module:
    let
      value = if builtins.isPath module || builtins.isString module then import module else module;
    in
    if builtins.isFunction value then
      value (builtins.intersectAttrs (builtins.functionArgs value) arguments)
    else
      value;

  collect =
    arguments: modules:
    builtins.concatMap (
      module:
      let
        loaded = load arguments module;
      in
      [ loaded ] ++ collect arguments (loaded.imports or [ ])
    ) modules;

  configOf =
    module:
    if module ? config || module ? options then
      module.config or { }
    else
      removeAttrs module [
        "imports"
        "_file"
      ];

  mergeOptions = lib.foldl' (
    one: other:
    one
    // lib.mapAttrs (
      name: value:
      if one ? ${name} && !isOption value then
        mergeOptions [
          one.${name}
          value
        ]
      else
        value
    ) other
  ) { };

  shown = lib.concatStringsSep ".";

  # The values of a tree of options, from all definitions of it.
  valuesOf =
    path: options: definitions:
    let
      known = builtins.attrNames options;
      unknown = builtins.filter (name: !(options ? ${name})) (
        builtins.concatMap builtins.attrNames definitions
      );
      value =
        name: option:
        let
          here = path ++ [ name ];
          given = builtins.concatMap (set: lib.optional (set ? ${name}) set.${name}) definitions;
        in
        if !isOption option then
          valuesOf here option given
        else if given == [ ] then
          option.default or (throw "The option `${shown here}' is used but not defined.")
        else
          merge here option.type given;
    in
    if unknown != [ ] then
      throw "The option `${shown (path ++ [ (builtins.head unknown) ])}' does not exist."
    else
      lib.mapAttrs value (lib.getAttrs known options);

  isDefault = value: value._type or null == "default";

  # Without the defaults, where there is more.
  counting =
    definitions:
    let
      given = builtins.filter (value: !isDefault value) definitions;
    in
    if given == [ ] then map (value: value.content) definitions else given;

  merge =
    path: type: all:
    let
      definitions = counting all;
      wrong = builtins.filter (value: !type.check value) definitions;
    in
    if wrong != [ ] then
      throw "A definition for option `${shown path}' is not of type `${type.description}'."
    else
      type.merge path definitions;

  one =
    path: definitions:
    if builtins.length definitions == 1 then
      builtins.head definitions
    else
      throw "The option `${shown path}' is defined multiple times.";

  simple = description: check: {
    inherit description check;
    merge = one;
  };
in
{
  mkOption = option: option // { _type = "option"; };
  mkDefault = content: {
    _type = "default";
    inherit content;
  };
  literalExpression = text: {
    _type = "literalExpression";
    inherit text;
  };

  types = {
    bool = simple "boolean" builtins.isBool;
    int = simple "signed integer" builtins.isInt;
    str = simple "string" builtins.isString;
    path = simple "path" (
      value: builtins.isPath value || builtins.isString value && lib.hasPrefix "/" value
    );
    package = simple "package" lib.isDerivation;
    raw = simple "raw value" (_: true);
    nullOr =
      type:
      let
        isNull = value: value == null;
      in
      simple "null or ${type.description}" (value: isNull value || type.check value)
      // {
        merge =
          path: definitions: if builtins.all isNull definitions then null else merge path type definitions;
      };
    either =
      first: second:
      simple "${first.description} or ${second.description}" (
        value: first.check value || second.check value
      )
      // {
        merge =
          path: definitions:
          merge path (if builtins.all first.check definitions then first else second) definitions;
      };
    listOf = type: {
      description = "list of ${type.description}";
      check = builtins.isList;
      merge =
        path: definitions: map (value: merge path type [ value ]) (builtins.concatLists definitions);
    };
    attrsOf = type: {
      description = "attribute set of ${type.description}";
      check = builtins.isAttrs;
      merge =
        path: definitions:
        let
          names = lib.unique (builtins.concatMap builtins.attrNames definitions);
          given = name: builtins.concatMap (set: lib.optional (set ? ${name}) set.${name}) definitions;
        in
        lib.genAttrs names (name: merge (path ++ [ name ]) type (given name));
    };
    submodule = module: {
      description = "submodule";
      check = value: builtins.isAttrs value || builtins.isFunction value;
      merge =
        path: definitions:
        (lib.evalModules {
          modules = [ module ] ++ definitions;
          specialArgs.name = lib.last path;
          prefix = path;
        }).config;
    };
  };

  evalModules =
    {
      modules,
      specialArgs ? { },
      prefix ? [ ],
    }:
    let
      arguments = {
        inherit lib config options;
      }
      // specialArgs;
      loaded = collect arguments modules;
      options = mergeOptions (map (module: module.options or { }) loaded);
      config = valuesOf prefix options (map configOf loaded);
    in
    {
      inherit config options;
    };
}
