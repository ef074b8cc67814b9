//! The working folder and the arguments.

use super::*;

#[test]
fn the_working_folder_and_the_arguments() {
    check_one(
        "mount-cwd",
        [],
        &expect![[r#"
            jail#0: {"program":{"path":{"pieces":[{"nix":"pkgs.hello","output":"program"}],"expand":false}}}
            mount-cwd#4: {"git":{"settings":"apart"}}
            mount-cwd#4: {"folder":{"access":"rw","to":null}}
        "#]],
    );
    check_one(
        "mount-cwd-readonly",
        [],
        &expect![[r#"
            jail#0: {"program":{"path":{"pieces":[{"nix":"pkgs.hello","output":"program"}],"expand":false}}}
            mount-cwd-readonly#4: {"folder":{"access":"ro","to":null}}
        "#]],
    );
    check_one(
        "workspace",
        [s("/workspace")],
        &expect![[r#"
            jail#0: {"program":{"path":{"pieces":[{"nix":"pkgs.hello","output":"program"}],"expand":false}}}
            workspace#4: {"git":{"settings":"apart"}}
            workspace#4: {"folder":{"access":"rw","to":"/workspace"}}
        "#]],
    );
    check(
        vec![p("mount-cwd", []), p("allow-home-cwd", [])],
        &expect![[r#"
            jail#0: {"program":{"path":{"pieces":[{"nix":"pkgs.hello","output":"program"}],"expand":false}}}
            allow-home-cwd#5: "home-as-folder"
            mount-cwd#4: {"git":{"settings":"apart"}}
            mount-cwd#4: {"folder":{"access":"rw","to":null}}
            warning[home-as-folder] at 3: the jail has all of the home folder when it is started there
              ^ high severity
              = help: drop `allow-home-cwd`
        "#]],
    );
    check_one(
        "readonly-runtime-args",
        [],
        &expect![[r#"
            jail#0: {"program":{"path":{"pieces":[{"nix":"pkgs.hello","output":"program"}],"expand":false}}}
            readonly-runtime-args#4: {"bind-arguments":{"access":"ro"}}
        "#]],
    );
    check_one(
        "readwrite-runtime-args",
        [],
        &expect![[r#"
            jail#0: {"program":{"path":{"pieces":[{"nix":"pkgs.hello","output":"program"}],"expand":false}}}
            readwrite-runtime-args#4: {"bind-arguments":{"access":"rw"}}
        "#]],
    );
    check_one(
        "readonly-paths-from-var",
        [s("XDG_DATA_DIRS"), s(":")],
        &expect![[r#"
            jail#0: {"program":{"path":{"pieces":[{"nix":"pkgs.hello","output":"program"}],"expand":false}}}
            readonly-paths-from-var#4: {"bind-variable":{"variable":"XDG_DATA_DIRS","separator":":","access":"ro"}}
        "#]],
    );
}
