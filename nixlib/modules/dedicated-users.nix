# Users of jails' own, for the combinator `dedicated-user`: each with its numbers, and those who may run jails as it.
{ config, lib, ... }:
let
  inherit (lib) mkOption types;

  dedicated = config.programs.jailgen.dedicatedUsers;

  userOptions = {
    options = {
      uid = mkOption {
        type = types.int;
        example = 990;
        description = "The user's id. It is written to /etc/subuid, so it must be known: NixOS cannot choose it.";
      };
      gid = mkOption {
        type = types.nullOr types.int;
        default = null;
        description = "The id of the user's group, which defaults to the user's id.";
      };
      users = mkOption {
        type = types.listOf types.str;
        default = [ ];
        example = [ "jane" ];
        description = "The users who may run jails as this user.";
      };
    };
  };

  gidOf = user: if user.gid == null then user.uid else user.gid;

  systemUser = name: user: {
    isSystemUser = true;
    inherit (user) uid;
    group = name;
    description = "A jail's own user";
  };

  launchers = lib.unique (builtins.concatMap (user: user.users) (builtins.attrValues dedicated));

  launcher =
    name:
    let
      may = builtins.attrValues (lib.filterAttrs (_: user: builtins.elem name user.users) dedicated);
      all = config.users.users.${name};
    in
    {
      subUidRanges = map (user: {
        startUid = user.uid;
        count = 1;
      }) may;
      subGidRanges = map (user: {
        startGid = gidOf user;
        count = 1;
      }) may;

      # NixOS gives a normal user a range of its own, for containers, as long as no other is given. The ranges here are not such ranges.
      autoSubUidGidRange = lib.mkDefault (
        all.isNormalUser
        && builtins.length all.subUidRanges == builtins.length may
        && builtins.length all.subGidRanges == builtins.length may
      );
    };
in
{
  options.programs.jailgen.dedicatedUsers = mkOption {
    type = types.attrsOf (types.submodule userOptions);
    default = { };
    example = lib.literalExpression ''
      {
        agent = {
          uid = 990;
          users = [ "jane" ];
        };
      }
    '';
    description = "System users that jails run as, for the combinator `dedicated-user`.";
  };

  config.users = {
    groups = builtins.mapAttrs (_: user: { gid = gidOf user; }) dedicated;
    users = lib.recursiveUpdate (builtins.mapAttrs systemUser dedicated) (
      lib.genAttrs launchers launcher
    );
  };
}
