//! `run --each`: one jail for each item of a list, so many at once. What the jails print goes to
//! their logs and is never shown here.

mod interrupt;
mod list;
mod one;
mod table;

use std::collections::BTreeMap;
use std::os::unix::ffi::OsStrExt as _;
use std::path::{Path, PathBuf};
use std::thread::available_parallelism;

use jail_plan::Wrapper;

use self::interrupt::Interrupt;
use self::list::read_list;
use self::one::{Ended, Runs};
use self::table::Row;
use super::worktree::ForItems;
use super::{Context, build, shown, stages};
use crate::cli::args;
use crate::cli::failure::Failure;
use crate::files::read_regular;
use crate::many::{Batch, Done, Item, Runner, has_mark};
use crate::state::trust::place;
use crate::state::{InFolder, Sharing, State};

pub(super) fn run(arguments: &args::Run, context: Context) -> Result<(), Failure> {
    let each = &arguments.each;
    refuse_without_mark(arguments)?;
    let items = read_list(each)?;
    let jobs =
        each.jobs.map_or_else(|| available_parallelism().map_or(1, usize::from), usize::from);
    let state = context.state()?;
    let wrapper = build::wrapper(&arguments.jail, &state, context)?;
    let (jail, in_folder) = of_wrapper(&wrapper)?;
    let folder = std::env::current_dir().and_then(|folder| folder.canonicalize());
    let folder = folder
        .map_err(|error| Failure::new(format!("the working folder cannot be found: {error}")))?;
    if in_folder == InFolder::Writes && !each.worktrees && jobs > 1 {
        return Err(one_folder(&jail, jobs));
    }
    let batch = batch(arguments, &state, &jail, &folder)?;
    let before = match each.resume {
        true => batch.done().map_err(of_record)?,
        false => batch.begin().map(|()| Default::default()).map_err(of_record)?,
    };
    if in_folder == InFolder::Stages {
        say_what_goes_on(&items, &jail, &folder, &before, context);
    }
    let runs = Runs {
        arguments,
        wrapper: &wrapper,
        jail: &jail,
        in_folder,
        folder: &folder,
        batch: &batch,
        state: &state,
        sharing: if each.share_limits {
            Sharing::Among(u64::try_from(jobs).unwrap_or(u64::MAX))
        } else {
            Sharing::Each
        },
        runner: Runner::default(),
        worktrees: match each.worktrees {
            true => Some(ForItems::open(&arguments.jail.spec, &state, context)?),
            false => None,
        },
        context,
    };
    let interrupt = Interrupt::listen()?;
    let rows = all(&runs, &items, before, jobs, &interrupt)?;
    let text = if each.json { table::json(&rows, &batch)? } else { table::in_words(&rows) };
    context.console.result(&text)?;
    end(&rows, &batch, &interrupt, context)
}

/// Runs what is not done, and says what comes of it.
fn all(
    runs: &Runs<'_>,
    items: &[Item],
    mut before: BTreeMap<String, Done>,
    jobs: usize,
    interrupt: &Interrupt,
) -> Result<Vec<Row>, Failure> {
    before.retain(|_, done| done.is_good());
    let to_do: Vec<usize> = items
        .iter()
        .enumerate()
        .filter(|(_, item)| !before.contains_key(&item.key))
        .map(|(index, _)| index)
        .collect();
    let console = runs.context.console;
    if to_do.len() < items.len() {
        let done = items.len() - to_do.len();
        console.note("done", &format!("{done} of {} items, by earlier runs", items.len()));
    }
    let bar = console.bar(to_do.len() as u64);
    let mut rows: Vec<Row> = items
        .iter()
        .map(|item| {
            let earlier = before.remove(&item.key).map(Ended::Earlier);
            Row::new(item, earlier.unwrap_or(Ended::NotBegun), runs)
        })
        .collect();
    let (mut failed, mut count, mut unrecorded) = (0, 0, None);
    let mut worktrees = Vec::new();
    for item in to_do.iter().filter_map(|index| items.get(*index)) {
        interrupt.look(&runs.runner, &bar);
        worktrees.push((item, runs.made(item)));
    }
    let work = |at: usize| match worktrees.get(at) {
        Some((item, Ok(made))) => runs.one(item, made.as_ref()),
        Some((_, Err(ended))) => Ended::clone(ended),
        None => Ended::NotBegun,
    };
    let report = |at: usize, ended: Ended| {
        let Some(row) = to_do.get(at).and_then(|index| rows.get_mut(*index)) else { return };
        if let Ended::Now(done) = &ended {
            unrecorded = runs.batch.add(done).err().or(unrecorded.take());
        }
        row.ended = ended;
        if matches!(row.ended, Ended::NotBegun | Ended::Stopped) {
            return;
        }
        failed += usize::from(!row.ended.is_good());
        count += 1;
        bar.inc(1);
        if bar.is_hidden() {
            console.note(&format!("{count}/{}", to_do.len()), &row.in_a_line());
        } else if failed > 0 {
            bar.set_message(format!("{failed} failed"));
        }
    };
    Runner::all(jobs, to_do.len(), work, report, || interrupt.look(&runs.runner, &bar));
    bar.finish_and_clear();
    match unrecorded {
        None => Ok(rows),
        Some(error) => Err(of_record(error)),
    }
}

/// The exit status, and what to do next.
fn end(
    rows: &[Row],
    batch: &Batch,
    interrupt: &Interrupt,
    context: Context,
) -> Result<(), Failure> {
    let open = rows.iter().filter(|row| !row.ended.is_good()).count();
    let console = context.console;
    if open > 0 {
        console.note("logs", &shown(&batch.logs()));
        console.note(
            "open",
            &format!("{open} of {} items; `--resume` runs these and no others", rows.len()),
        );
    }
    match (interrupt.signal(), open) {
        (Some(signal), _) => Err(Failure::Ended(128 + signal)),
        (None, 0) => Ok(()),
        (None, _) => Err(Failure::Findings),
    }
}

fn refuse_without_mark(arguments: &args::Run) -> Result<(), Failure> {
    let mark = &arguments.each.replace;
    if arguments.arguments.iter().any(|word| has_mark(word, mark)) {
        return Ok(());
    }
    let mark = shown(Path::new(mark));
    Err(Failure::Usage(format!(
        "no argument behind `--` has `{mark}` in it, so every run would be the same; write it where the item belongs"
    )))
}

/// The jail's name, and what it does with the folder that it is started in.
fn of_wrapper(wrapper: &Path) -> Result<(String, InFolder), Failure> {
    let failed = |error: &dyn std::fmt::Display| {
        Failure::new(format!("`{}` cannot be read: {error}", shown(wrapper)))
    };
    let bytes = read_regular(wrapper).map_err(|error| failed(&error))?;
    let plan = Wrapper::parse(&bytes).map_err(|error| failed(&error))?.plan;
    Ok((plan.name.clone(), InFolder::of_plan(&plan)))
}

fn one_folder(jail: &str, jobs: usize) -> Failure {
    let message = format!(
        "`{jail}` writes the folder that it is started in, and {jobs} runs at once would mix up their changes"
    );
    let help = "with `stage-cwd` instead of `mount-cwd` in the spec each run has a stage of its own; `--worktrees` gives each a worktree; \
         `--jobs 1` runs them one after the other";
    Failure::with_help(message, help)
}

/// What the record is of: the same jail with the same arguments in the same folder.
fn batch(
    arguments: &args::Run,
    state: &State,
    jail: &str,
    folder: &Path,
) -> Result<Batch, Failure> {
    let spec = place(&arguments.jail.spec);
    let kind: &[u8] = if arguments.each.worktrees { b"worktrees" } else { b"" };
    let words = arguments.arguments.iter().map(|word| word.as_bytes());
    let words: Vec<&[u8]> = [
        spec.as_os_str().as_bytes(),
        folder.as_os_str().as_bytes(),
        kind,
        arguments.each.replace.as_bytes(),
    ]
    .into_iter()
    .chain(words)
    .collect();
    Batch::open(state, jail, &words).map_err(|error| Failure::new(error.to_string()))
}

/// Stages outlive runs: an item goes on in what an earlier one has left.
fn say_what_goes_on(
    items: &[Item],
    jail: &str,
    folder: &Path,
    before: &BTreeMap<String, Done>,
    context: Context,
) {
    let goes_on = |item: &&Item| {
        !before.get(&item.key).is_some_and(Done::is_good)
            && stages::has_something(jail, &item.name, folder, context)
    };
    let count = items.iter().filter(goes_on).count();
    if count > 0 {
        let what = format!(
            "{count} of {} items go on in stages that have changes; `jailgen stages` lists them, `jailgen drop` empties them",
            items.len()
        );
        context.console.note("note", &what);
    }
}

fn of_record(error: std::io::Error) -> Failure {
    Failure::new(format!("the record of what is done cannot be kept: {error}"))
}

/// Where a run was, and by which name its changes are found.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Where {
    Stage,
    Worktree(PathBuf),
    Folder,
}
