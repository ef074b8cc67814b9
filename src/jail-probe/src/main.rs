//! Makes the attempts that its arguments or its input name. See `jail-probe --help`.

#![expect(clippy::print_stdout, reason = "it is a program, and that is how it answers")]

use std::io::{BufRead, Write};
use std::process::ExitCode;

use jail_probe::{ATTEMPTS_MAX, Answer, USAGE, attempt};

fn main() -> ExitCode {
    let words: Vec<String> = std::env::args().skip(1).collect();
    match words.first().map(String::as_str) {
        None | Some("--help") => {
            println!("{USAGE}");
            ExitCode::SUCCESS
        }
        Some("--many") => many(),
        Some(_) => {
            let answer = attempt(&words);
            println!("{answer}");
            if answer.went_well() { ExitCode::SUCCESS } else { ExitCode::FAILURE }
        }
    }
}

/// One answer for each line of input. The number of lines is bounded, and so is each answer.
fn many() -> ExitCode {
    let mut output = std::io::stdout().lock();
    for line in std::io::stdin().lock().lines().take(ATTEMPTS_MAX) {
        let Ok(line) = line else { return ExitCode::FAILURE };
        let answer = match serde_json::from_str::<Vec<String>>(&line) {
            Ok(words) => attempt(&words),
            Err(error) => Answer::Unknown(error.to_string()),
        };
        let Ok(text) = serde_json::to_string(&answer) else { return ExitCode::FAILURE };
        if writeln!(output, "{text}").and_then(|()| output.flush()).is_err() {
            return ExitCode::FAILURE;
        }
    }
    ExitCode::SUCCESS
}
