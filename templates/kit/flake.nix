# The kit: what the flakes that jailgen emits need of jailgen. `make kit` puts it together from the
# Nix library and the static tools that cargo built, and adds it to the store.
{
  description = "The Nix library and the static tools of jailgen";

  outputs =
    { self }:
    let
      systems = builtins.attrNames (builtins.readDir ./tools);
      known = builtins.concatStringsSep ", " systems;

      toolsFor =
        system:
        if builtins.elem system systems then
          {
            # Wrappers refer to the stub. As a store object of its own it does not keep the kit.
            stub = builtins.path {
              name = "jail-stub";
              path = ./tools + "/${system}/jail-stub";
            };
            # Wrappers with work for it on the host refer to it, and no others.
            host = builtins.path {
              name = "jail-host";
              path = ./tools + "/${system}/jail-host";
            };
            # Those whose network is known by names refer to it.
            broker = builtins.path {
              name = "jail-broker";
              path = ./tools + "/${system}/jail-broker";
            };
            jailgen = "${self}/tools/${system}/jailgen";
          }
        else
          throw "this kit of jailgen has tools for ${known}, and none for ${system}";
    in
    {
      lib = import ./nixlib { inherit toolsFor; };

      tools = builtins.listToAttrs (
        map (system: {
          name = system;
          value = toolsFor system;
        }) systems
      );
    };
}
