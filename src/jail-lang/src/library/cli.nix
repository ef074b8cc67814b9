# Command lines, and the options of build tools. `lib` is the whole library: each entry is read when it is first needed
# (`mod.rs`).
lib: {
  cli.toCommandLine =
    optionFormat: options:
    let
      show =
        name: value:
        let
          format = {
            formatArg = lib.generators.mkValueStringDefault { };
          }
          // optionFormat name;
          argument = format.formatArg value;
        in
        if value == null || (!format.explicitBool && value == false) then
          [ ]
        else if !format.explicitBool && value == true then
          [ format.option ]
        else if format.sep == null then
          [
            format.option
            argument
          ]
        else
          [ (format.option + format.sep + argument) ];
      shown =
        name:
        if name == "" then
          throw "cli.toCommandLine: an option has an empty name"
        else
          builtins.concatMap (show name) (lib.toList options.${name});
    in
    builtins.concatMap shown (builtins.attrNames options);

  cli.toCommandLineShell =
    optionFormat: options: lib.escapeShellArgs (lib.cli.toCommandLine optionFormat options);

  cli.toCommandLineGNU =
    {
      isLong ? name: builtins.stringLength name > 1,
      explicitBool ? false,
      formatArg ? lib.generators.mkValueStringDefault { },
    }:
    lib.cli.toCommandLine (
      name:
      let
        dashes = if isLong name then "--" else "-";
      in
      {
        option = dashes + name;
        sep = if isLong name then "=" else "";
        inherit explicitBool formatArg;
      }
    );

  cli.toCommandLineShellGNU =
    format: options: lib.escapeShellArgs (lib.cli.toCommandLineGNU format options);

  cli.toGNUCommandLine =
    {
      mkOptionName ? name: if builtins.stringLength name == 1 then "-${name}" else "--${name}",
      mkBool ? name: value: if value then [ (mkOptionName name) ] else [ ],
      mkList ? name: values: builtins.concatMap (mkOption name) values,
      mkOption ?
        name: value:
        let
          text = lib.generators.mkValueStringDefault { } value;
        in
        if value == null then
          [ ]
        else if optionValueSeparator == null then
          [
            (mkOptionName name)
            text
          ]
        else
          [ (mkOptionName name + optionValueSeparator + text) ],
      optionValueSeparator ? null,
    }:
    options:
    let
      show =
        name:
        let
          value = options.${name};
        in
        if builtins.isBool value then
          mkBool name value
        else if builtins.isList value then
          mkList name value
        else
          mkOption name value;
    in
    builtins.concatMap show (builtins.attrNames options);

  cli.toGNUCommandLineShell =
    format: options: lib.escapeShellArgs (lib.cli.toGNUCommandLine format options);

  cmakeOptionType =
    type: feature: value:
    let
      name = lib.toUpper type;
    in
    assert builtins.elem name [
      "BOOL"
      "FILEPATH"
      "PATH"
      "STRING"
      "INTERNAL"
      "LIST"
    ];
    assert builtins.isString feature && builtins.isString value;
    "-D${feature}:${name}=${value}";

  cmakeBool =
    feature: flag:
    assert builtins.isBool flag;
    lib.cmakeOptionType "bool" feature (if flag then "TRUE" else "FALSE");

  cmakeFeature = lib.cmakeOptionType "string";

  mesonOption =
    feature: value:
    assert builtins.isString feature && builtins.isString value;
    "-D${feature}=${value}";

  mesonBool =
    feature: flag:
    assert builtins.isBool flag;
    lib.mesonOption feature (lib.boolToString flag);

  mesonEnable =
    feature: flag:
    assert builtins.isBool flag;
    lib.mesonOption feature (if flag then "enabled" else "disabled");

  enableFeature =
    flag: feature:
    assert builtins.isBool flag && builtins.isString feature;
    "--${if flag then "enable" else "disable"}-${feature}";

  enableFeatureAs =
    flag: feature: value:
    lib.enableFeature flag feature + (if flag then "=${value}" else "");

  withFeature =
    flag: feature:
    assert builtins.isBool flag && builtins.isString feature;
    "--${if flag then "with" else "without"}-${feature}";

  withFeatureAs =
    flag: feature: value:
    lib.withFeature flag feature + (if flag then "=${value}" else "");

}
