//! What is refused, and the messages.

use super::*;

#[test]
fn paths_that_are_not_absolute() {
    check_one(
        "readonly",
        [s("etc/ssl")],
        &expect![[r#"
            error[relative-path] at 3: path on the host `etc/ssl` of `readonly` is not absolute
              ^ not absolute
              = help: write `"/etc/ssl"`
        "#]],
    );
    check_one(
        "ro-bind",
        [s("./a"), s("b")],
        &expect![[r#"
            error[relative-path] at 3: path on the host `./a` of `ro-bind` is not absolute
              ^ not absolute
              = help: write `(noescape "$PWD/a")` for what is in the folder that the jail is started in, `(noescape "~/a")` for your home folder, or the whole path
            error[relative-target] at 4: mount target `b` of `ro-bind` is not absolute
              ^ not absolute
              = help: write `"/b"`
        "#]],
    );
    check_one(
        "readwrite",
        [s("~/projects")],
        &expect![[r#"
        error[relative-path] at 3: path on the host `~/projects` of `readwrite` is not absolute
          ^ not absolute
          = help: write `(noescape "~/projects")`: then `~` is your home folder
    "#]],
    );
    check_one(
        "tmpfs",
        [s("$HOME/x")],
        &expect![[r#"
        error[relative-target] at 3: mount target `$HOME/x` of `tmpfs` is not absolute
          ^ not absolute
          = help: write `(noescape "$HOME/x")`: then the variable is read at launch
    "#]],
    );
    check_one(
        "tmpfs",
        [s("")],
        &expect![[r#"
        error[relative-target] at 3: mount target `` of `tmpfs` is not absolute
          ^ not absolute
          = help: write an absolute path, such as `/srv/data`
    "#]],
    );
    check_one(
        "tmpfs",
        [x("a/$B")],
        &expect![[r#"
            error[relative-target] at 3: mount target `a/$B` of `tmpfs` is not absolute
              ^ not absolute
              = help: write `"/a/$B"`
        "#]],
    );
    check_one(
        "add-path",
        [s("bin")],
        &expect![[r#"
            error[relative-path] at 3: folder `bin` of `add-path` is not absolute
              ^ not absolute
              = help: write `"/bin"`
        "#]],
    );
}

#[test]
fn paths_that_climb() {
    check_one(
        "readonly",
        [s("/a/../b")],
        &expect![[r#"
        error[parent-component] at 3: path on the host `/a/../b` of `readonly` cannot be used: it has a `..` component
          ^ `..` depends on what is mounted where
          = help: write the resulting path
    "#]],
    );
    check_one(
        "tmpfs",
        [x("$A/..")],
        &expect![[r#"
        error[parent-component] at 3: mount target `$A/..` of `tmpfs` cannot be used: it has a `..` component
          ^ `..` depends on what is mounted where
          = help: write the resulting path
    "#]],
    );
    check_one(
        "tmpfs",
        [x("~/a/../b")],
        &expect![[r#"
        error[parent-component] at 3: mount target `~/a/../b` of `tmpfs` cannot be used: it has a `..` component
          ^ `..` depends on what is mounted where
          = help: write the resulting path
    "#]],
    );
    check_one(
        "readonly",
        [x("${A:-/b/..}/c")],
        &expect![[r#"
        error[parent-component] at 3: path on the host `${A:-/b/..}/c` of `readonly` cannot be used: it has a `..` component
          ^ `..` depends on what is mounted where
          = help: write the resulting path
    "#]],
    );
    check_one(
        "readonly",
        [x("\"$A/..\"")],
        &expect![[r#"
        error[parent-component] at 3: path on the host `"$A/.."` of `readonly` cannot be used: it has a `..` component
          ^ `..` depends on what is mounted where
          = help: write the resulting path
    "#]],
    );
    check_one(
        "tmpfs",
        [s("/a\0b")],
        &expect![[r#"
        error[nul-byte] at 3: the text contains a NUL byte, at which the kernel would stop reading
    "#]],
    );
}

#[test]
fn texts_that_cannot_be_expanded() {
    check_one(
        "readonly",
        [x("$(git rev-parse --show-toplevel)")],
        &expect![[r#"
            error[command-substitution] at 3: `$(git rev-parse --show-toplevel)` cannot be expanded: command substitution is not expanded
              = help: run it with `add-runtime`: write `(add-runtime "NAME=$(…)")` before this, and `(noescape "$NAME")` here
        "#]],
    );
    check_one(
        "set-env",
        [s("A"), x("`id`")],
        &expect![[r#"
            error[command-substitution] at 4: ``id`` cannot be expanded: command substitution is not expanded
              = help: run it with `add-runtime`: write `(add-runtime "NAME=$(…)")` before this, and `(noescape "$NAME")` here
        "#]],
    );
    check_one(
        "set-env",
        [s("A"), x("${B")],
        &expect![[r#"
        error[bad-expansion] at 4: `${B` cannot be expanded: `${B` is not `${NAME}` or `${NAME:-default}`
          = help: these are expanded: `~`, `$NAME`, `${NAME}` and `${NAME:-default}`; a backslash keeps the next character as it is
    "#]],
    );
    check_one(
        "set-argv",
        [list([x("$1"), x("~root")])],
        &expect![[r#"
            error[bad-expansion] at 4: `$1` cannot be expanded: `$1` names no environment variable
              = help: these are expanded: `~`, `$NAME`, `${NAME}` and `${NAME:-default}`; a backslash keeps the next character as it is
            error[bad-expansion] at 5: `~root` cannot be expanded: `~` means your own home folder only, alone or before `/`
              = help: these are expanded: `~`, `$NAME`, `${NAME}` and `${NAME:-default}`; a backslash keeps the next character as it is
        "#]],
    );
    check_one(
        "write-text",
        [s("/a"), x("$HOME")],
        &expect![[r#"
        error[param-type] at 4: `write-text` writes a text unchanged, but this one is to be expanded
          = help: write it without `noescape`
    "#]],
    );
}

#[test]
fn names_that_nothing_may_have() {
    check_one(
        "set-env",
        [s("1A"), s("x")],
        &expect![[r#"
        error[environment-name] at 3: `1A` is not the name of an environment variable
          = help: a name has letters, digits and `_`, and does not begin with a digit
    "#]],
    );
    check_one(
        "fwd-env",
        [s("$EDITOR")],
        &expect![[r#"
        error[environment-name] at 3: `$EDITOR` is not the name of an environment variable
          = help: write `"EDITOR"`, without the `$`
    "#]],
    );
    check_one(
        "set-hostname",
        [s("a_b")],
        &expect![[r#"
        error[bad-hostname] at 3: `a_b` is not a host name
          = help: letters, digits and `-`, in parts separated by dots, 63 characters at most
    "#]],
    );
    check_one(
        "persist-home",
        [s("../x")],
        &expect![[r#"
            error[home-name] at 3: `../x` cannot name a home folder
              = help: use letters, digits, `-`, `_` and `.`
        "#]],
    );
    check_one(
        "share-ns",
        [s("pdi")],
        &expect![[r#"
        error[unknown-namespace] at 3: unknown namespace `pdi`
          = help: did you mean `pid`?
    "#]],
    );
    check_one(
        "share-ns",
        [s("mount")],
        &expect![[r#"
            error[unknown-namespace] at 3: unknown namespace `mount`
              = help: the known ones are `cgroup`, `ipc`, `net`, `pid`, `user`, `uts`
        "#]],
    );
    check_one(
        "mount",
        [s("ext4"), s("/x")],
        &expect![[r#"
        error[mount-kind] at 3: `mount` does not know the type `ext4`
          = help: it knows `tmpfs`, `devtmpfs` and `proc`
    "#]],
    );
    check_one(
        "tmpfs-sized",
        [s("lots"), s("/x")],
        &expect![[r#"
        error[bad-size] at 3: `lots` is not a size
          = help: write a number of bytes, or of `K`, `M` or `G`: `"512M"`
    "#]],
    );
    check_one(
        "tmpfs-sized",
        [s("0"), s("/x")],
        &expect![[r#"
        error[bad-size] at 3: `0` is not a size
          = help: write a number of bytes, or of `K`, `M` or `G`: `"512M"`
    "#]],
    );
    check_one(
        "readonly-paths-from-var",
        [s("X"), s("")],
        &expect![[r#"
        error[param-type] at 4: the separator is empty
          = help: write the text between two paths, mostly `":"`
    "#]],
    );
}

#[test]
fn names_of_jails_that_are_no_file_names() {
    let name = |name: &str| lowered(&jail_named(name, pkg("hello"), vec![]));
    expect![[r#"
        error[jail-name] at 0: the jail's name `` is empty
          = help: the name becomes a command: letters, digits, `-`, `_`, `.`, such as `jailed-opencode`
    "#]].assert_eq(&name(""));
    expect![[r#"
        error[jail-name] at 0: the jail's name `a/b` contains a slash and is not a file name
          = help: the name becomes a command: letters, digits, `-`, `_`, `.`, such as `jailed-opencode`
    "#]].assert_eq(&name("a/b"));
    expect![[r#"
        error[jail-name] at 0: the jail's name `.a` starts with a dot
          = help: the name becomes a command: letters, digits, `-`, `_`, `.`, such as `jailed-opencode`
    "#]].assert_eq(&name(".a"));
    expect![[r#"
        error[jail-name] at 0: the jail's name `-a` starts with a dash, so programs would take it for an option
          = help: the name becomes a command: letters, digits, `-`, `_`, `.`, such as `jailed-opencode`
    "#]].assert_eq(&name("-a"));
    expect![[r#"
        error[jail-name] at 0: the jail's name `a\0` contains a character that a Nix store path cannot have
          = help: the name becomes a command: letters, digits, `-`, `_`, `.`, such as `jailed-opencode`
    "#]].assert_eq(&name("a\0"));
    expect![[r#"
        error[jail-name] at 0: the jail's name `a b` contains a character that a Nix store path cannot have
          = help: the name becomes a command: letters, digits, `-`, `_`, `.`, such as `jailed-opencode`
    "#]].assert_eq(&name("a b"));
    expect![[r#"
        error[jail-name] at 0: the jail's name `xxx…` is too long
          = help: the name becomes a command: letters, digits, `-`, `_`, `.`, such as `jailed-opencode`
    "#]].assert_eq(&name(&"x".repeat(300)).replace(&"x".repeat(300), "xxx…"));
}

#[test]
fn entries_that_are_no_programs() {
    let entry = |entry: Value| lowered(&jail_named("demo", entry, vec![]));
    expect![[r#"
        error[relative-path] at 1: program `bash` of `jail` is not absolute
          ^ not absolute
          = help: write `pkgs.bash` for the package, or the whole path of the program
    "#]]
    .assert_eq(&entry(s("bash")));
    expect![[r#"
        error[param-type] at 1: `jail` takes a package or a path for `ENTRY`, got a whole number
          ^ this is a whole number
    "#]]
    .assert_eq(&entry(Value::Integer(1)));
    expect![[r#"
        error[param-type] at 1: `jail` takes a package or a path for `ENTRY`, got the permission `network`
          ^ this is the permission `network`
          = help: `network` is a combinator here; the package is `pkgs.network`
    "#]].assert_eq(&entry(p("network", [])));
}

#[test]
fn arguments_of_the_wrong_kind() {
    check_one(
        "readonly",
        [Value::Integer(1)],
        &expect![[r#"
        error[param-type] at 3: `readonly` takes a string for `path`, got a whole number
          ^ this is a whole number
          = help: write `"1"`
    "#]],
    );
    check_one(
        "readonly",
        [s("/a"), s("/b")],
        &expect![[r#"
        error[param-count] at 2: `readonly` takes 1 argument, got 2
    "#]],
    );
    check_one(
        "network",
        [s("a")],
        &expect![[r#"
        error[param-count] at 2: `network` takes no arguments, got 1
    "#]],
    );
    check_one(
        "add-pkg-deps",
        [pkg("git")],
        &expect![[r#"
        error[param-type] at 3: `add-pkg-deps` takes a list of packages for `packages`, got a package
          ^ this is a package
          = help: put it in brackets: `[ … ]`
    "#]],
    );
    check_one(
        "add-pkg-deps",
        [list([pkg("git"), s("/x"), p("network", [])])],
        &expect![[r#"
            error[param-type] at 5: `add-pkg-deps` takes a package for `packages`, got a string
              ^ this is a string
              = help: name a package, such as `pkgs.x`; grant a program of the host by its path, with `readonly`
            error[param-type] at 6: `add-pkg-deps` takes a package for `packages`, got the permission `network`
              ^ this is the permission `network`
              = help: `network` is a combinator here; the package is `pkgs.network`
        "#]],
    );
    check_one(
        "set-env",
        [x("$A"), s("x")],
        &expect![[r#"
        error[param-type] at 3: `set-env` takes a plain string for `name`, got a `noescape` text
          ^ this is a `noescape` text
          = help: this is needed when the jail is built, before any launch: write it without `noescape`
    "#]],
    );
    check_one(
        "compose",
        [list([s("/a")])],
        &expect![[r#"
        error[param-type] at 4: `compose` takes a permission for `permissions`, got a string
          ^ this is a string
    "#]],
    );
    check_one(
        "set-env",
        [s("PORT"), Value::Integer(80)],
        &expect![[r#"
        error[param-type] at 4: `set-env` takes a string for `value`, got a whole number
          ^ this is a whole number
          = help: write `"80"`
    "#]],
    );
}

#[test]
fn names_that_are_not_in_the_table() {
    check_one(
        "readonyl",
        [s("/src")],
        &expect![[r#"
        error[unknown-combinator] at 2: unknown combinator `readonyl`
          ^ not in the registry
          = help: did you mean `readonly`?
    "#]],
    );
    check_one(
        "network-permit",
        [list([s("a.org")])],
        &expect![[r#"
        error[unknown-combinator] at 2: unknown combinator `network-permit`
          ^ not in the registry
    "#]],
    );
    check_one(
        "noescape",
        [s("~")],
        &expect![[r#"
        error[param-type] at 2: `noescape` makes a text, which is not a permission
    "#]],
    );
}

#[test]
fn all_faults_are_told_at_once() {
    check(
        vec![p("readonly", [s("a")]), p("set-env", [s("1"), x("$(x)")]), p("nope", [])],
        &expect![[r#"
            error[relative-path] at 3: path on the host `a` of `readonly` is not absolute
              ^ not absolute
              = help: write `(noescape "$PWD/a")` for what is in the folder that the jail is started in, `(noescape "~/a")` for your home folder, or the whole path
            error[environment-name] at 5: `1` is not the name of an environment variable
              = help: a name has letters, digits and `_`, and does not begin with a digit
            error[command-substitution] at 6: `$(x)` cannot be expanded: command substitution is not expanded
              = help: run it with `add-runtime`: write `(add-runtime "NAME=$(…)")` before this, and `(noescape "$NAME")` here
            error[unknown-combinator] at 7: unknown combinator `nope`
              ^ not in the registry
        "#]],
    );
}

#[test]
fn a_name_for_a_host_that_is_shared() {
    check(
        vec![p("share-ns", [s("uts")]), p("set-hostname", [s("a")])],
        &expect![[r#"
            warning[shares-namespace] at 2: the jail shares the host's uts namespace
              ^ medium severity
              = help: drop the `share-ns` for it
            error[contradiction] at 4: `set-hostname` and `share-ns "uts"` contradict each other: the name would change on the host
              at 2: shared here
              = help: remove one of them
        "#]],
    );
}

#[test]
fn arguments_that_a_builder_does_not_have() {
    let said = |jail| lowered(&jail);
    expect![[r#"
        error[unknown-argument] at 1: `makeJailedPi` has no argument `extraPkg`
          ^ not an argument of this combinator
          = help: did you mean `extraPkgs`?
    "#]]
    .assert_eq(&said(built("makeJailedPi", [("extraPkg", list([]))])));
    expect![[r#"
        error[unknown-argument] at 1: `makeJailedPi` has no argument `keepState`
          ^ not an argument of this combinator
          = help: it has `name`, `pkg`, `extraPkgs`, `extraReadwriteDirs`, `extraReadonlyDirs`, `env`, `fwdEnv`, `workspace`, `enableGitWorktrees`, `enableNix`, `enableOpenUrls`, `nixConfigDir`, `allowedHosts`, `secrets`, `limits`, `caches`, `mask`, `writableSettings`, `separateState`, `baseJailOptions`, `basePackages`, `extraJailOptions`
    "#]].assert_eq(&said(built("makeJailedPi", [("keepState", s("default"))])));
    expect![[r#"
        error[param-type] at 1: `makeJailedPi` takes a list of packages for `extraPkgs`, got a package
          ^ this is a package
          = help: put it in brackets: `[ … ]`
    "#]].assert_eq(&said(built("makeJailedPi", [("extraPkgs", pkg("git"))])));
    expect![[r#"
        error[missing-argument] at 0: `makeJailedAgent` needs the argument `pkg`
          = help: the agent's package
        error[missing-argument] at 0: `makeJailedAgent` needs the argument `configPaths`
          = help: the agent's own state, such as `[ "~/.config/my-agent" ]`: read-write, made when missing; what ends like a file's name is a file
    "#]].assert_eq(&said(built("makeJailedAgent", [("name", s("a"))])));
    expect![[r#"
        error[unknown-builder] at 0: unknown builder `makeJailedOpenCode`
          = help: did you mean `makeJailedOpencode`?
    "#]]
    .assert_eq(&said(built("makeJailedOpenCode", [])));
    expect![[r#"
        error[jail-name] at 0: the jail's name `a/b` contains a slash and is not a file name
          = help: the name becomes a command: letters, digits, `-`, `_`, `.`, such as `jailed-opencode`
        error[relative-path] at 2: path on the host `projects` of `readwrite` is not absolute
          ^ not absolute
          = help: write `(noescape "$PWD/projects")` for what is in the folder that the jail is started in, `(noescape "~/projects")` for your home folder, or the whole path
        error[command-substitution] at 3: `~/$(x)` cannot be expanded: command substitution is not expanded
          = help: run it with `add-runtime`: write `(add-runtime "NAME=$(…)")` before this, and `(noescape "$NAME")` here
    "#]].assert_eq(&said(built(
        "makeJailedPi",
        [("extraReadwriteDirs", list([s("projects"), s("~/$(x)")])), ("name", s("a/b"))],
    )));
}
