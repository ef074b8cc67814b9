{ number = import ./number.nix; }
