# A jail of an evaluated configuration of nixpak: `fromNixpak (mkNixPak { … }).config`.
#
# What nixpak's own modules add to the lists of binds for a socket, the network or the graphics card is left out of these lists: a
# jail has combinators for it. What a jail cannot have stops the evaluation or is traced, one line each.
{
  lib,
  # The function `jail`.
  jail,
}:
given:
let
  # What `mkNixPak` gives, or its `config`.
  config = if given ? options && given ? config then given.config else given;
  inherit (jail) combinators;
  inherit (combinators) noescape;
  bwrap = config.bubblewrap;
  inherit (bwrap) sockets;

  # A value that nixpak computes at launch, as the source of a text that is expanded then.
  expand =
    value:
    if builtins.isString value then
      lib.escape [ "\\" "$" "`" "\"" "~" "}" ] value
    else if value.type == "concat" then
      expand value.a + expand value.b
    else if value.type == "env" then
      "$" + "{${variable value.key}${lib.optionalString (value ? "or") ":-${expand value."or"}"}}"
    else if value.type == "mkdir" then
      expand value.dir
    else
      throw "jailgen: `fromNixpak` knows no value of the type `${value.type}`";

  # The same for a shell, between double quotes. A variable that is empty counts as one that is not set, as in nixpak.
  shell =
    value:
    if builtins.isString value then
      lib.escape [ "\\" "$" "`" "\"" ] value
    else if value.type == "concat" then
      shell value.a + shell value.b
    else if value.type == "env" then
      "$" + "{${variable value.key}:${if value ? "or" then "-${shellDefault value."or"}" else "?"}}"
    else if value.type == "mkdir" then
      shell value.dir
    else
      expand value;
  shellDefault =
    value: if builtins.isString value then lib.escape [ "}" ] (shell value) else shell value;

  variable =
    name:
    if builtins.match "[a-zA-Z_][a-zA-Z0-9_]*" name != null then
      name
    else
      throw "jailgen: `fromNixpak`: `${name}` is not a valid name for a variable";

  # In a path of a bind, and only there, nixpak takes `$NAME` for a variable: at the beginning, and right behind another one.
  coerced =
    value:
    let
      parts = builtins.match "[$]([a-zA-Z0-9_]*)(/(.*))?" value;
      rest = builtins.elemAt parts 2;
    in
    if !builtins.isString value || parts == null then
      value
    else if rest == null then
      env (builtins.head parts)
    else
      {
        type = "concat";
        a = env (builtins.head parts);
        b = {
          type = "concat";
          a = "/";
          b = coerced rest;
        };
      };

  text = value: if builtins.isString value then value else noescape (expand value);

  pair =
    value:
    lib.mapAttrs (_: coerced) (
      if builtins.isList value then
        {
          from = builtins.elemAt value 0;
          to = builtins.elemAt value 1;
        }
      else
        {
          from = value;
          to = value;
        }
    );

  bind =
    combinator: value:
    let
      inherit (pair value) from to;
    in
    made from
    ++ lib.optionals (to != from) (made to)
    ++ [ (combinators.${combinator} (text from) (text to)) ];

  # `sloth.mkdir` makes a folder on the host, wherever it occurs in a value.
  made = value: map combinators.add-runtime (folders value);
  folders =
    value:
    if builtins.isString value then
      [ ]
    else if value.type == "mkdir" then
      folders value.dir ++ [ "(umask 077; mkdir -p -- \"${shell value.dir}\")" ]
    else if value.type == "concat" then
      folders value.a ++ folders value.b
    else if value ? "or" then
      map (command: "[ -n \"$" + "{${variable value.key}:-}\" ] || ${command}") (folders value."or")
    else
      [ ];

  # What nixpak's modules add to `bind.ro` and `bind.dev` themselves.
  env = key: {
    type = "env";
    inherit key;
  };
  isOfRuntimeDir =
    end: value:
    builtins.isAttrs value && value.type == "concat" && value.a == env "XDG_RUNTIME_DIR" && end value.b;
  isOwn =
    value:
    (
      bwrap.network
      && builtins.elem (pair value).to [
        "/etc/resolv.conf"
        "/etc/hosts"
      ]
    )
    || (sockets.wayland && isWayland value)
    || (sockets.pipewire && isOfRuntimeDir (end: end == "/pipewire-0") value)
    || (sockets.pulse && isOfRuntimeDir (end: end == "/pulse") value)
    || (sockets.x11 && (value == env "XAUTHORITY" || value == "/tmp/.X11-unix"))
    || (
      config.timeZone.enable or false && config.timeZone.provider == "host" && value == "/etc/localtime"
    )
    || (
      config.gpu.enable
      && builtins.elem (pair value).to [
        "/sys/dev/char"
        "/sys/devices/pci0000:00"
        "/dev/dri"
        "/run/opengl-driver"
      ]
    );
  isWayland =
    value:
    builtins.isAttrs value
    && value.type == "concat"
    && builtins.isAttrs value.b
    && value.b.key or null == "WAYLAND_DISPLAY";

  binds =
    combinator: list: builtins.concatMap (bind combinator) (builtins.filter (it: !isOwn it) list);

  named = rule: lib.attrNames (lib.filterAttrs (_: it: it == rule) config.dbus.policies);
  rules = all: builtins.concatLists (lib.mapAttrsToList (name: map (rule: "${name}=${rule}")) all);
  dbus = lib.filterAttrs (_: list: list != [ ]) {
    own = named "own";
    talk = named "talk";
    see = named "see";
    call = rules (config.dbus.rules.call or { });
    broadcast = rules (config.dbus.rules.broadcast or { });
  };

  permissions =
    lib.optional bwrap.network combinators.network
    ++ lib.optional bwrap.shareIpc (combinators.share-ns "ipc")
    ++ lib.optional bwrap.bindEntireStore combinators.whole-nix-store
    ++ lib.optional (bwrap.extraStorePaths != [ ]) (combinators.add-pkg-deps bwrap.extraStorePaths)
    ++ lib.optional sockets.wayland combinators.wayland
    ++ lib.optional sockets.pipewire combinators.pipewire
    ++ lib.optional sockets.pulse combinators.pulse
    ++ lib.optional sockets.x11 combinators.unsafe-x11
    ++ lib.optional config.gpu.enable combinators.gpu
    ++ lib.optional (config.gpu.enable && config.gpu.provider == "bundle") (
      combinators.ro-bind "${config.gpu.bundlePackage}" "/run/opengl-driver"
    )
    ++ lib.optional (
      config.timeZone.enable or false && config.timeZone.provider == "host"
    ) combinators.time-zone
    ++ binds "try-rw-bind" bwrap.bind.rw
    ++ binds "try-ro-bind" bwrap.bind.ro
    ++ builtins.concatMap (
      value:
      let
        both = pair value;
      in
      lib.optionals (!isOwn value) (made both.from ++ [ (combinators.unsafe-add-raw-args (device both)) ])
    ) bwrap.bind.dev
    ++ builtins.concatMap (value: made value ++ [ (combinators.tmpfs (text value)) ]) bwrap.tmpfs
    ++ builtins.concatLists (
      lib.mapAttrsToList (name: value: made value ++ [ (combinators.set-env name (text value)) ]) (
        lib.filterAttrs (_: value: value != null) bwrap.env
      )
    )
    ++ lib.optional bwrap.newSession combinators.new-session
    ++ lib.optional (config.dbus.enable && dbus != { }) (combinators.dbus dbus);

  device = { from, to }: "--dev-bind-try \"${raw from}\" \"${raw to}\"";
  # A word of raw arguments, between double quotes: literal parts are quoted as for a shell.
  raw =
    value:
    if builtins.isString value then
      shell value
    else if value.type == "concat" then
      raw value.a + raw value.b
    else if value.type == "mkdir" then
      raw value.dir
    else
      expand value;

  # What a jail does otherwise, or not at all.
  notes =
    lib.optional (
      !bwrap.clearEnv
    ) "only the variables that the configuration names are passed on; `try-fwd-env` names more"
    ++ lib.optional (config.waylandProxy.enable or false
    ) "`waylandProxy` is not used: the compositor's own socket is granted by `wayland`"
    ++ lib.optional (
      !bwrap.apivfs.proc || !bwrap.apivfs.dev
    ) "every jail has /proc and /dev, with its own processes and few devices"
    ++ lib.optional (
      config.app.extraEntrypoints != [ ]
    ) "`app.extraEntrypoints` get no wrappers; make a jail for each"
    ++ lib.optional (config.dbus.enable) "no /.flatpak-info is made: portals take the program for one of the host";
  traced = builtins.foldl' (value: note: builtins.trace "jailgen: fromNixpak: ${note}" value);
in
if config.pasta.enable or false then
  throw "jailgen: `fromNixpak` does not take `pasta` over; use `internet` or `network-allow` in a jail of its own"
else
  traced (jail (baseNameOf config.app.binPath) "${config.app.package}/${config.app.binPath}"
    permissions
  ) notes
