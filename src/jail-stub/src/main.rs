//! The program: two starts for one library.
//!
//! The released one (profile `stub`, `panic = "abort"`) starts in `start.rs`, without the standard
//! library. Any other build (tests, clippy, editors) is an ordinary program, so the workspace
//! builds as usual. Both run the same launch.
#![cfg_attr(panic = "abort", no_std, no_main)]

#[cfg(panic = "abort")]
mod start;

#[cfg(not(panic = "abort"))]
#[expect(clippy::disallowed_methods, reason = "the stub gets its environment from its own start")]
fn main() -> std::process::ExitCode {
    use std::ffi::CString;
    use std::os::unix::ffi::OsStringExt;

    let arguments: Vec<CString> =
        std::env::args_os().filter_map(|word| CString::new(word.into_vec()).ok()).collect();
    let environment: Vec<CString> = std::env::vars_os()
        .filter_map(|(name, value)| {
            CString::new([name.into_vec(), b"=".to_vec(), value.into_vec()].concat()).ok()
        })
        .collect();
    // Rust's start-up code ignores SIGPIPE. The payload must have the launcher's setting,
    // which is the default action.
    let _ = jail_stub::sys::default_action(13);
    let arguments: Vec<_> = arguments.iter().map(CString::as_c_str).collect();
    let environment: Vec<_> = environment.iter().map(CString::as_c_str).collect();
    std::process::ExitCode::from(jail_stub::run(
        &arguments,
        &environment,
        jail_stub::sys::CommandLine::of_this_process(),
    ))
}
