//! What a type says about the parts of a value.

use jail_registry::Type;

/// Whether a type, or one of its alternatives, satisfies a predicate.
pub(crate) fn wants(ty: Type, such: &dyn Fn(Type) -> bool) -> bool {
    match ty {
        Type::Either(types) => types.iter().any(|ty| wants(*ty, such)),
        ty => such(ty),
    }
}

/// The type of a list's elements.
pub(crate) fn element_type(ty: Type) -> Type {
    match ty {
        Type::List(element) => *element,
        Type::Either(types) => types
            .iter()
            .map(|ty| element_type(*ty))
            .find(|ty| *ty != Type::Bool)
            .unwrap_or(Type::Bool),
        // No type is expected here, so the check reports the element whatever it becomes.
        _ => Type::Bool,
    }
}

/// The type of a set's field.
pub(crate) fn field_type(ty: Type, name: &str) -> Type {
    match ty {
        Type::Fields(fields) => {
            fields.iter().find(|field| field.name == name).map_or(Type::Bool, |field| field.ty)
        }
        Type::Map(element) => *element,
        Type::Either(types) => types
            .iter()
            .map(|ty| field_type(*ty, name))
            .find(|ty| *ty != Type::Bool)
            .unwrap_or(Type::Bool),
        _ => Type::Bool,
    }
}

/// Whether a set may have this field.
pub(super) fn is_known_field(ty: Type, name: &str) -> bool {
    match ty {
        Type::Fields(fields) => fields.iter().any(|field| field.name == name),
        Type::Either(types) => types.iter().any(|ty| is_known_field(*ty, name)),
        _ => true,
    }
}
