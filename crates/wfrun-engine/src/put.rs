//! Names that are the same whatever their case.
use indexmap::IndexMap;
use wfrun_syntax::eq_ignoring_case;

/// Sets the value of an output or of a state: one whose name is there in another case keeps that name.
///
/// Source: actions/runner, `DictionaryContextData`'s indexer, for outputs; `ExecutionContext.IntraActionState`, a dictionary
/// with `StringComparer.OrdinalIgnoreCase`, for states.
pub(crate) fn put(values: &mut IndexMap<String, String>, name: String, value: String) {
    if let Some(old) = values.get_mut(&name) {
        *old = value;
    } else if let Some((_, old)) = values.iter_mut().find(|(it, _)| eq_ignoring_case(it, &name)) {
        *old = value;
    } else {
        values.insert(name, value);
    }
}

/// The same for all of them, in their order.
pub(crate) fn put_all(values: &mut IndexMap<String, String>, pairs: impl IntoIterator<Item = (String, String)>) {
    for (name, value) in pairs {
        put(values, name, value);
    }
}
