# The options of `programs.jailgen`, which NixOS and home-manager share, and the wrappers that they amount to.
#
#   library  what nixlib/default.nix gives
{ library }:
{
  config,
  lib,
  pkgs,
  ...
}:
let
  inherit (lib) mkOption types;

  options = config.programs.jailgen;
  jail = library.extend (
    {
      inherit pkgs;
      inherit (options) additionalCombinators;
    }
    // lib.optionalAttrs (options.agents != null) { inherit (options) agents; }
  );

  jailOptions =
    { name, ... }:
    {
      options = {
        enable = mkOption {
          type = types.bool;
          default = true;
          description = "Whether the command is installed.";
        };
        spec = mkOption {
          type = types.nullOr types.path;
          default = null;
          example = lib.literalExpression "./opencode.jail";
          description = "A spec. All its jails are installed, under the names that it gives them.";
        };
        inputs = mkOption {
          type = types.attrsOf types.raw;
          default = { };
          example = lib.literalExpression "{ inherit (inputs) my-tools; }";
          description = "The inputs that the spec asks for.";
        };
        files = mkOption {
          type = types.listOf types.path;
          default = [ ];
          example = lib.literalExpression "[ ./agents ]";
          description = "Files and folders that the spec reads by paths that it computes.";
        };
        checked = mkOption {
          type = types.bool;
          default = true;
          description = "Whether the spec is built only if jailgen's own evaluator reads it in the same way as Nix.";
        };
        name = mkOption {
          type = types.str;
          default = name;
          description = "The name of the command, if there is no spec.";
        };
        package = mkOption {
          type = types.nullOr (types.either types.package types.str);
          default = null;
          example = lib.literalExpression "pkgs.nodejs";
          description = "What runs in the jail, if there is no spec: a package, or the path of a program.";
        };
        permissions = mkOption {
          type = types.raw;
          default = [ ];
          example = lib.literalExpression "combinators: [ combinators.network combinators.mount-cwd ]";
          description = "What it may do, if there is no spec: a list, or a function from the combinators to one.";
        };
      };
    };

  wrappersOf =
    name: one:
    if one.spec != null && one.package != null then
      throw "programs.jailgen.jails.${name} has a `spec` and a `package`: leave one of them out"
    else if one.spec != null then
      listOf (
        jail.buildJail {
          inherit (one)
            spec
            inputs
            files
            checked
            ;
        }
      )
    else if one.package != null then
      [ (jail one.name one.package one.permissions) ]
    else
      throw "programs.jailgen.jails.${name} has neither a `spec` nor a `package`";

  listOf = made: if lib.isDerivation made then [ made ] else builtins.attrValues made;
in
{
  options.programs.jailgen = {
    jails = mkOption {
      type = types.attrsOf (types.submodule jailOptions);
      default = { };
      example = lib.literalExpression ''
        {
          opencode.spec = ./opencode.jail;
          node = {
            package = pkgs.nodejs;
            permissions = combinators: [ combinators.mount-cwd ];
          };
        }
      '';
      description = "Jails whose commands are installed.";
    };
    agents = mkOption {
      type = types.nullOr (types.attrsOf types.package);
      default = null;
      description = "Packages of agents by name, instead of those of the input llm-agents.";
    };
    additionalCombinators = mkOption {
      type = types.raw;
      default = { };
      description = "Combinators of your own: a set, or a function from the combinators to one.";
    };
    wrappers = mkOption {
      type = types.listOf types.package;
      readOnly = true;
      internal = true;
      description = "The wrappers of all jails.";
    };
  };

  config.programs.jailgen.wrappers = builtins.concatLists (
    lib.mapAttrsToList wrappersOf (lib.filterAttrs (_: one: one.enable) options.jails)
  );
}
