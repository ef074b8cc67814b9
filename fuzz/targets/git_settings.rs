//! Any bytes are a configuration of git or not, for both readers: the one that offers settings, and
//! the one that counts them. What the first understands as a whole it understands line by line, and
//! of what both understand, the second misses no key that runs a program.
#![no_main]

use jail_plan::git::{settings, settings_of_whole};

#[path = "../../src/jail-host/src/handoff/git_config.rs"]
mod git_config;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    let by_line = settings(bytes);
    let Some(whole) = settings_of_whole(bytes) else { return };
    assert!(by_line.iter().all(|setting| whole.contains(setting)));
    let Some(counted) = git_config::counted_keys(bytes) else { return };
    for setting in whole {
        let section = String::from_utf8_lossy(&setting.section);
        let key = String::from_utf8_lossy(&setting.key);
        if section == "core" && setting.about.is_none() && key == "fsmonitor" {
            assert!(counted.contains_key("core.fsmonitor"), "{counted:?}");
        }
    }
});
