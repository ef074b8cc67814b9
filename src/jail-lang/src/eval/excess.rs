//! Calls with too many arguments, and what their author probably meant.

use std::ops::Range;

use jail_registry::{
    CHAPTERS, Chapter, Code as DiagnosticCode, Place, Signature, combinator, count_fault,
};

use super::Evaluator;
use crate::failure::Failure;
use crate::ir::Params;
use crate::value::{Argument, JailCall, Value};
use crate::vocabulary::{JAIL, WordKind};

/// A call that has all of its arguments, and more.
struct Call<'a> {
    name: &'a str,
    signature: Signature,
    /// The arguments that it takes first, then the others.
    args: Vec<Argument>,
    place: Place,
}

impl Call<'_> {
    fn wanted(&self) -> usize {
        self.signature.params.len()
    }
}

/// Arguments that belong together: one, or a function followed by its own arguments.
type Group = Range<usize>;

impl Evaluator<'_> {
    /// The fault of calling `function`, which has all its arguments, with `more`. `None` where it
    /// is not a function of the registry.
    pub(super) fn too_many(
        &self,
        function: &Value,
        more: &[Argument],
        place: Place,
    ) -> Option<Box<Failure>> {
        let (name, signature, own) = match function {
            Value::Permission(it) => (it.name, it.signature, it.args.clone()),
            Value::Jail(call) => match &**call {
                JailCall::Plain { args, .. } => ("jail", JAIL, args.to_vec()),
                JailCall::Built { name, signature, args, .. } => (*name, *signature, args.clone()),
            },
            _ => return None,
        };
        Some(self.excess(name, signature, own, more, place))
    }

    /// The same for a combinator that makes text, whose value does not record where it was made.
    pub(super) fn excess(
        &self,
        name: &str,
        signature: Signature,
        own: Vec<Argument>,
        more: &[Argument],
        place: Place,
    ) -> Box<Failure> {
        let args = own.into_iter().chain(more.iter().cloned());
        let args = args.map(|arg| Argument { place: self.in_call(arg.place, place), ..arg });
        let call = Call { name, signature, args: args.collect(), place };
        self.several_lists(&call)
            .or_else(|| self.without_parentheses(&call))
            .or_else(|| self.not_alone(&call))
            .unwrap_or_else(|| {
                let help = self.alone(&call);
                let extra = self.span(&call, call.wanted()..call.args.len());
                self.fault(&call, extra, "one argument too many", help)
            })
    }

    fn fault(
        &self,
        call: &Call<'_>,
        place: Option<Place>,
        label: &str,
        help: String,
    ) -> Box<Failure> {
        let message = count_fault(call.name, call.wanted(), call.args.len());
        let place = place.unwrap_or(call.place);
        Failure::new(DiagnosticCode::ParamCount, place, message).label(label).help(help)
    }

    /// `readonly noescape "~/x"`: an argument is itself a call.
    fn without_parentheses(&self, call: &Call<'_>) -> Option<Box<Failure>> {
        let groups = self.groups(call)?;
        let first = groups.iter().position(|group| group.len() > 1)?;
        let last = groups.iter().rposition(|group| group.len() > 1)?;
        let shown = groups.get(first..=last)?;
        let place = self.span(call, shown.first()?.start..shown.last()?.end)?;
        let written: Vec<_> = shown.iter().map(|group| self.written(call, group)).collect();
        let help = format!(
            "write `{}`: an argument that is a call needs parentheses of its own",
            written.join(" ")
        );
        Some(self.fault(call, Some(place), "a call without parentheses", help))
    }

    /// Groups the arguments into the number that the function takes.
    fn groups(&self, call: &Call<'_>) -> Option<Vec<Group>> {
        let excess = call.args.len().checked_sub(call.wanted())?;
        let certain = self.grouped(&call.args, |value| match value {
            Value::Combinator(it) => it.signature.params.len(),
            Value::Builtin(builtin) => builtin.arity,
            Value::Library(function) => function.arity,
            Value::Lambda(closure) => match &closure.lambda.params {
                Params::Names(names) => names.len(),
                Params::Pattern(_) => 1,
            },
            _ => 0,
        });
        // It is not known here how many arguments a function of a package set takes.
        let by_package = || {
            let is_package =
                |value: &Value| if let Value::Residual(_) = value { excess } else { 0 };
            self.grouped(&call.args, is_package)
        };
        [certain]
            .into_iter()
            .chain(std::iter::once_with(by_package))
            .find(|it| it.len() == call.wanted())
    }

    fn grouped(&self, args: &[Argument], taken: impl Fn(&Value) -> usize) -> Vec<Group> {
        let mut groups = Vec::new();
        let mut start = 0;
        while let Some(arg) = args.get(start) {
            let is_whole = self.files.borrow().text(arg.place).starts_with('(');
            let value = self.force(&arg.value, arg.place).ok().filter(|_| !is_whole);
            let end = start + 1 + value.map_or(0, |value| taken(&value));
            groups.push(start..end.min(args.len()));
            start = end;
        }
        groups
    }

    /// `limit-memory "1G" network`, `readonly "/x" "/y"`: what follows is a
    /// permission, or meant as one.
    fn not_alone(&self, call: &Call<'_>) -> Option<Box<Failure>> {
        let word = self.names.vocabulary.word(call.name)?;
        if word.kind != WordKind::Permission {
            return None;
        }
        let more = call.args.get(call.wanted()..)?;
        let permissions = self.permissions_among(more, call.wanted());
        let written = match permissions {
            Some(groups) => groups.iter().map(|group| self.written(call, group)).collect(),
            None => self.repeated(call)?,
        };
        let own = self.applied(call, 0..call.wanted())?;
        let all = [vec![own], written].concat().join(" ");
        let why = "each permission is an element of its own";
        // In parentheses, it is already an element of a list.
        let (place, help) = match self.parentheses(call.place) {
            Some(_) => {
                let extra = self.span(call, call.wanted()..call.args.len())?;
                (extra, format!("write `{all}`: {why}"))
            }
            None => (call.place, format!("write `[ {all} ]`: {why}")),
        };
        Some(self.fault(call, Some(place), "not arguments of this one", help))
    }

    /// If all of these are permissions, or combinators before their arguments,
    /// this says how to group them.
    fn permissions_among(&self, more: &[Argument], from: usize) -> Option<Vec<Group>> {
        let groups = self.grouped(more, |value| match value {
            Value::Combinator(it) => it.signature.params.len(),
            _ => 0,
        });
        let is_permission = |group: &Group| {
            let first = more.get(group.start).map(|arg| self.force(&arg.value, arg.place));
            match first {
                Some(Ok(Value::Permission(_))) => true,
                Some(Ok(Value::Combinator(it))) => {
                    it.kind == WordKind::Permission && group.len() == 1 + it.signature.params.len()
                }
                _ => false,
            }
        };
        let all = groups.iter().all(is_permission);
        all.then(|| groups.iter().map(|group| group.start + from..group.end + from).collect())
    }

    /// If the arguments would do for further calls of the same combinator, this writes those calls.
    fn repeated(&self, call: &Call<'_>) -> Option<Vec<String>> {
        let kind = |arg: &Argument| Some(self.force(&arg.value, arg.place).ok()?.kind());
        let mut rounds = call.args.chunks(call.wanted().max(1));
        let first: Vec<_> = rounds.next()?.iter().map(kind).collect();
        let is_same = |round: &[Argument]| round.iter().map(kind).eq(first.iter().copied());
        if call.wanted() == 0 || !rounds.all(is_same) {
            return None;
        }
        let starts = (call.wanted()..call.args.len()).step_by(call.wanted());
        starts.map(|start| self.applied(call, start..start + call.wanted())).collect()
    }

    /// `jail "a" pkgs.bash [ … ] [ … ]`
    fn several_lists(&self, call: &Call<'_>) -> Option<Box<Failure>> {
        let from = call.wanted().checked_sub(1)?;
        let lists = call.args.get(from..)?;
        let is_list =
            |arg: &Argument| matches!(self.force(&arg.value, arg.place), Ok(Value::List(_)));
        if !lists.iter().all(is_list) {
            return None;
        }
        let written: Vec<_> =
            (from..call.args.len()).map(|at| self.written(call, &(at..at + 1))).collect();
        let help = format!("write `({})`: `jail` takes one list", written.join(" ++ "));
        let place = self.span(call, from..call.args.len())?;
        Some(self.fault(call, Some(place), "two lists are not joined", help))
    }

    /// What the call looks like with the arguments that it takes.
    fn alone(&self, call: &Call<'_>) -> String {
        let name = call.name;
        let summary = combinator(name).map(|it| it.summary);
        match (call.wanted(), summary) {
            (0, Some(_)) if self.is_list_of_hosts(call) => {
                let list = self.written(call, &(0..1));
                format!(
                    "write `(network-allow {list})`: `{name}` takes no arguments, and names no hosts"
                )
            }
            (0, Some(summary)) => {
                format!("write `{name}`: it takes no arguments, and always means “{summary}”")
            }
            _ if self
                .names
                .vocabulary
                .word(name)
                .is_some_and(|it| it.kind == WordKind::Builder) =>
            {
                format!("write `{name} {{ … }}`: all its arguments are in one set")
            }
            _ => {
                let params = call.signature.params.iter().map(|param| param.name.to_uppercase());
                format!("write `({name} {})`", params.collect::<Vec<_>>().join(" "))
            }
        }
    }

    /// `network [ "api.example.com" ]`: hosts for a combinator that allows all of them.
    fn is_list_of_hosts(&self, call: &Call<'_>) -> bool {
        let [only] = call.args.as_slice() else { return false };
        let is_about_network = |chapter: &&Chapter| chapter.title == "Network";
        let mut about = CHAPTERS.iter().filter(is_about_network).flat_map(|it| it.combinators);
        about.any(|combinator| combinator.name == call.name)
            && matches!(self.force(&only.value, only.place), Ok(Value::List(_)))
    }

    /// The combinator with some of its arguments, as an element of a list.
    fn applied(&self, call: &Call<'_>, args: Range<usize>) -> Option<String> {
        if args.is_empty() {
            return Some(call.name.to_owned());
        }
        let written: Vec<_> = args.map(|at| self.written(call, &(at..at + 1))).collect();
        let shown = written.iter().all(|it| !it.is_empty());
        shown.then(|| format!("({} {})", call.name, written.join(" ")))
    }

    /// How a group should be written.
    fn written(&self, call: &Call<'_>, group: &Group) -> String {
        let files = self.files.borrow();
        let texts = call.args.get(group.clone()).unwrap_or_default().iter();
        let texts: Vec<_> = texts.map(|arg| files.text(arg.place)).collect();
        let joined = texts.join(" ");
        if texts.len() > 1 { format!("({joined})") } else { joined }
    }

    /// The span from the first of these arguments to the last. `None` where they
    /// are not next to each other.
    fn span(&self, call: &Call<'_>, args: Range<usize>) -> Option<Place> {
        let args = call.args.get(args)?;
        let (first, last) = (args.first()?.place, args.last()?.place);
        let is_inside = |arg: &Argument| {
            let Place { file, start, end } = arg.place;
            file == call.place.file && call.place.start <= start && end <= call.place.end
        };
        let is_written =
            args.iter().all(is_inside) && first.start < last.end && first != call.place;
        is_written.then_some(Place { end: last.end, ..first })
    }

    /// The span with the parentheses around it, which the code does not record.
    pub(crate) fn with_parentheses(&self, place: Place) -> Place {
        std::iter::successors(Some(place), |place| self.parentheses(*place)).last().unwrap_or(place)
    }

    /// The same, limited to the span of the call.
    fn in_call(&self, place: Place, call: Place) -> Place {
        let is_inside =
            |it: &Place| it.file == call.file && call.start <= it.start && it.end <= call.end;
        let wider = |it: &Place| self.parentheses(*it).filter(is_inside);
        std::iter::successors(Some(place), wider).last().unwrap_or(place)
    }

    /// The parentheses directly around a span.
    fn parentheses(&self, place: Place) -> Option<Place> {
        let files = self.files.borrow();
        let text = files.get(place.file)?.text.as_str();
        let before = text.get(..place.start as usize)?.trim_end().strip_suffix('(')?;
        let rest = text.get(place.end as usize..)?;
        let close =
            rest.find(|c: char| !c.is_whitespace()).filter(|at| rest[*at..].starts_with(')'))?;
        let end = place.end + u32::try_from(close).ok()? + 1;
        Some(Place { start: u32::try_from(before.len()).ok()?, end, ..place })
    }
}
