# Part of a home-manager configuration: what it calls the home folder becomes `~`.
{
  config,
  pkgs,
  inputs,
  ...
}:
let
  jail = inputs.jail-nix.lib.init pkgs;
  home = config.home.homeDirectory;
  notes = "${home}/notes";
  persist = path: with jail.combinators; readwrite path;
in
{
  home.packages = [
    (jail "notes" pkgs.bashInteractive (
      with jail.combinators;
      [
        mount-cwd
        (readonly notes)
        (readwrite "${notes}/today")
        (readwrite "${config.xdg.cacheHome}/notes")
        (persist "${config.users.users.me.home}/.config/notes")
        (rw-bind (noescape "${home}/inbox") "/inbox")
        (set-env "NOTES" "${home}/notes")
        (set-env "EDITOR_HOME" (home + "/.editor"))
        (add-runtime "mkdir -p ${home}/inbox")
        (add-pkg-deps [
          (pkgs.writeShellScriptBin "today" ''
            exec cat "${home}/notes/today"
          '')
        ])
      ]
    ))
  ];
}
