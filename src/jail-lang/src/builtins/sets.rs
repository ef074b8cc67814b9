//! Builtins on attribute sets.

use std::collections::{BTreeMap, HashSet};
use std::rc::Rc;

use jail_registry::Place;

use super::{Builtin, builtin, take};
use crate::attrs::{Attrs, Entry};
use crate::eval::Evaluator;
use crate::failure::Fallible;
use crate::ir::Params;
use crate::limits::{ATTRIBUTE, DELAYED};
use crate::residual::Residual;
use crate::symbols::Symbol;
use crate::value::{Thunk, Value};

pub(super) const TABLE: &[Builtin] = &[
    builtin("attrNames", 1, |evaluator, args, at| {
        let [set] = take(args, at)?;
        let attrs = evaluator.attrs(set, at)?;
        evaluator.charge_elements(attrs.len(), ATTRIBUTE + DELAYED, at)?;
        let names =
            attrs.by_name(&evaluator.symbols).into_iter().map(|(name, _)| Value::string(&*name));
        Ok(Value::list(names.collect::<Vec<_>>()))
    }),
    builtin("attrValues", 1, |evaluator, args, at| {
        let [set] = take(args, at)?;
        let attrs = evaluator.attrs(set, at)?;
        evaluator.charge_elements(attrs.len(), ATTRIBUTE, at)?;
        let values =
            attrs.by_name(&evaluator.symbols).into_iter().map(|(_, entry)| entry.value.clone());
        Ok(Value::list(values.collect::<Vec<_>>()))
    }),
    builtin("catAttrs", 2, |evaluator, args, at| {
        let [name, list] = take(args, at)?;
        let name = evaluator.symbols.intern(&evaluator.string(name, at)?);
        let mut values = Vec::new();
        for set in &evaluator.list(list, at)?.items {
            evaluator.step(at)?;
            values.extend(evaluator.attrs(set, at)?.get(name).cloned());
        }
        Ok(Value::list(values))
    }),
    builtin("functionArgs", 1, |evaluator, args, at| {
        let [function] = take(args, at)?;
        let function = evaluator.force(function, at)?;
        let formals = match &function {
            Value::Lambda(closure) => match &closure.lambda.params {
                Params::Pattern(pattern) => pattern
                    .formals
                    .iter()
                    .map(|formal| (formal.name, Value::Bool(formal.default.is_some())))
                    .collect(),
                Params::Names(_) => Vec::new(),
            },
            Value::Builtin(_) | Value::Partial(_) | Value::Library(_) => Vec::new(),
            other => return Err(evaluator.mismatch("a function", other, at)),
        };
        Ok(Value::Attrs(Rc::new(Attrs::without_places(formals))))
    }),
    builtin("getAttr", 2, |evaluator, args, at| {
        let [name, set] = take(args, at)?;
        let name = evaluator.symbols.intern(&evaluator.string(name, at)?);
        match evaluator.force(set, at)? {
            Value::Residual(residual) => Ok(Value::residual(Residual::Select(residual, name))),
            Value::Attrs(attrs) => match attrs.get(name) {
                Some(value) => evaluator.force(value, at),
                None => Err(evaluator.missing(&Value::Attrs(attrs), name, at)),
            },
            other => Err(evaluator.mismatch("a set", &other, at)),
        }
    }),
    builtin("hasAttr", 2, |evaluator, args, at| {
        let [name, set] = take(args, at)?;
        let name = evaluator.symbols.intern(&evaluator.string(name, at)?);
        Ok(Value::Bool(evaluator.attrs(set, at)?.has(name)))
    }),
    builtin("intersectAttrs", 2, |evaluator, args, at| {
        let [names, set] = take(args, at)?;
        let names = evaluator.attrs(names, at)?;
        let set = evaluator.attrs(set, at)?;
        evaluator.charge_elements(set.len(), ATTRIBUTE, at)?;
        Ok(Value::Attrs(Rc::new(set.filtered(|entry| names.has(entry.name)))))
    }),
    builtin("listToAttrs", 1, |evaluator, args, at| {
        let [list] = take(args, at)?;
        let mut entries = Vec::new();
        let mut seen = HashSet::new();
        for item in &evaluator.list(list, at)?.items {
            evaluator.step(at)?;
            let pair = evaluator.force(item, at)?;
            let attrs = evaluator.attrs(&pair, at)?;
            let name = evaluator.known.name;
            let name = attrs.get(name).ok_or_else(|| evaluator.missing(&pair, name, at))?;
            let name = evaluator.symbols.intern(&evaluator.string(name, at)?);
            // Of two elements with one name, the first counts.
            if seen.insert(name) {
                let value = evaluator.known.value;
                let value = attrs.get(value).ok_or_else(|| evaluator.missing(&pair, value, at))?;
                entries.push(Entry { name, value: value.clone(), place: None });
            }
        }
        Ok(Value::Attrs(Rc::new(Attrs::new(entries))))
    }),
    builtin("mapAttrs", 2, |evaluator, args, at| {
        let [function, set] = take(args, at)?;
        let attrs = evaluator.attrs(set, at)?;
        evaluator.charge_elements(attrs.len(), ATTRIBUTE + 2 * DELAYED, at)?;
        let entries = attrs.entries().iter().map(|entry| {
            let name = Value::string(&*evaluator.symbols.name(entry.name));
            let value = Thunk::apply(function.clone(), [name, entry.value.clone()], at);
            Entry { value, ..entry.clone() }
        });
        Ok(Value::Attrs(Rc::new(Attrs::new(entries.collect()))))
    }),
    builtin("removeAttrs", 2, |evaluator, args, at| {
        let [set, names] = take(args, at)?;
        let attrs = evaluator.attrs(set, at)?;
        evaluator.charge_elements(attrs.len(), ATTRIBUTE, at)?;
        let mut removed = HashSet::new();
        for name in &evaluator.list(names, at)?.items {
            evaluator.step(at)?;
            removed.insert(evaluator.symbols.intern(&evaluator.string(name, at)?));
        }
        Ok(Value::Attrs(Rc::new(attrs.filtered(|entry| !removed.contains(&entry.name)))))
    }),
    builtin("zipAttrsWith", 2, zip_attrs_with),
];

fn zip_attrs_with(evaluator: &Evaluator<'_>, args: &[Value], at: Place) -> Fallible<Value> {
    let [function, list] = take(args, at)?;
    let function = evaluator.force(function, at)?;
    let mut values: BTreeMap<Symbol, Vec<Value>> = BTreeMap::new();
    for set in &evaluator.list(list, at)?.items {
        for entry in evaluator.attrs(set, at)?.entries() {
            evaluator.step(at)?;
            values.entry(entry.name).or_default().push(entry.value.clone());
        }
    }
    let zipped = values.into_iter().map(|(name, values)| {
        let shown = Value::string(&*evaluator.symbols.name(name));
        (name, Thunk::apply(function.clone(), [shown, Value::list(values)], at))
    });
    Ok(Value::Attrs(Rc::new(Attrs::without_places(zipped))))
}
