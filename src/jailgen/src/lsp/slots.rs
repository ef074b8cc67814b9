//! What may stand where a value goes, as the registry has it.

use jail_lang::query::{Slot, Step};
use jail_registry::{Field, Signature, Type, Words, builder, combinator};

/// What a function takes, if it is a combinator or a builder.
pub(super) fn signature(function: &str) -> Option<Signature> {
    let combinator = combinator(function).map(|combinator| combinator.signature);
    combinator.or_else(|| builder(function).map(|builder| builder.signature))
}

/// The types that a value may have at a place; an alternative is a type of its own.
pub(super) fn types(slot: &Slot) -> Vec<Type> {
    let signature = signature(&slot.function);
    let param = signature.and_then(|signature| signature.params.get(slot.argument));
    let mut types = Vec::new();
    param.iter().for_each(|param| alternatives(param.ty, &mut types));
    for step in &slot.steps {
        let around = std::mem::take(&mut types);
        around.iter().filter_map(|ty| inner(*ty, step)).for_each(|ty| alternatives(ty, &mut types));
    }
    types
}

/// The fields that the set at a place may have.
pub(super) fn fields(slot: &Slot) -> Vec<&'static Field> {
    types(slot).into_iter().filter_map(Type::fields).flatten().collect()
}

/// The field that the last step of a way leads to.
pub(super) fn field(slot: &Slot) -> Option<&'static Field> {
    let (last, steps) = slot.steps.split_last()?;
    let around = Slot { steps: steps.to_vec(), ..slot.clone() };
    match last {
        Step::Field(name) => fields(&around).into_iter().find(|field| field.name == name),
        Step::Element => field(&around),
    }
}

/// The words that a string at a place is usually one of.
pub(super) fn words(slot: &Slot) -> Vec<Words> {
    let words = types(slot).into_iter().filter_map(|ty| match ty {
        Type::Word(words) => Some(words),
        _ => None,
    });
    words.collect()
}

fn alternatives(ty: Type, into: &mut Vec<Type>) {
    match ty {
        Type::Either(types) => types.iter().for_each(|ty| alternatives(*ty, into)),
        ty => into.push(ty),
    }
}

fn inner(ty: Type, step: &Step) -> Option<Type> {
    match (ty, step) {
        (Type::List(element), Step::Element) | (Type::Map(element), Step::Field(_)) => {
            Some(*element)
        }
        (Type::Fields(fields), Step::Field(name)) => {
            fields.iter().find(|field| field.name == name).map(|field| field.ty)
        }
        _ => None,
    }
}
