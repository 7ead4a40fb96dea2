use std::{collections::HashMap, fmt, sync::Arc};

use wfrun_syntax::{eq_ignoring_case, upper_ordinal};

use crate::Value;

/// An immutable list of values; cloning shares it.
#[derive(Clone)]
pub struct Array(Arc<ArrayItems>);

struct ArrayItems {
    items: Vec<Value>,
    /// Made by `.*`: a following index then applies to each item instead of picking one.
    filtered: bool,
}

/// An immutable map from text to value in the order of insertion; cloning shares it.
#[derive(Clone)]
pub struct Object(Arc<Members>);

struct Members {
    list: Vec<(String, Value)>,
    /// Places by look-up key, where there are too many members to look at each.
    places: Option<HashMap<String, usize>>,
    case_sensitive: bool,
}

/// Most members that are looked through one by one.
const FEW: usize = 24;

impl Members {
    fn build(given: Vec<(String, Value)>, case_sensitive: bool) -> Self {
        if given.len() > FEW {
            return Self::build_with_places(given, case_sensitive);
        }
        let mut all = Self { list: given, places: None, case_sensitive };
        // Hardly any object has a key twice, so they are looked for before anything is moved.
        let twice = (1..all.list.len()).any(|at| {
            let (before, rest) = all.list.split_at(at);
            rest.first().is_some_and(|(key, _)| before.iter().any(|(it, _)| all.is_key(it, key)))
        });
        if twice {
            for (key, value) in std::mem::take(&mut all.list) {
                match all.find(&key) {
                    Some(at) => all.list[at].1 = value,
                    None => all.list.push((key, value)),
                }
            }
        }
        all
    }

    fn build_with_places(given: Vec<(String, Value)>, case_sensitive: bool) -> Self {
        let mut list: Vec<(String, Value)> = Vec::with_capacity(given.len());
        let mut places = HashMap::with_capacity(given.len());
        for (key, value) in given {
            let lookup = if case_sensitive { key.clone() } else { upper_ordinal(&key) };
            let at = *places.entry(lookup).or_insert(list.len());
            match list.get_mut(at) {
                Some(member) => member.1 = value,
                None => list.push((key, value)),
            }
        }
        Self { list, places: Some(places), case_sensitive }
    }

    fn is_key(&self, a: &str, b: &str) -> bool {
        a == b || (!self.case_sensitive && eq_ignoring_case(a, b))
    }

    fn find(&self, key: &str) -> Option<usize> {
        match &self.places {
            None => self.list.iter().position(|(it, _)| self.is_key(it, key)),
            Some(places) if self.case_sensitive => places.get(key).copied(),
            Some(places) => places.get(&upper_ordinal(key)).copied(),
        }
    }
}

impl Array {
    /// Makes an array.
    pub fn new(items: Vec<Value>) -> Self {
        Self(Arc::new(ArrayItems { items, filtered: false }))
    }

    pub(crate) fn filtered(items: Vec<Value>) -> Self {
        Self(Arc::new(ArrayItems { items, filtered: true }))
    }

    /// Tells whether it came from `.*`, so that an index applies to each item.
    pub fn is_filtered(&self) -> bool {
        self.0.filtered
    }

    /// Returns the item at a position from 0.
    pub fn get(&self, index: usize) -> Option<&Value> {
        self.0.items.get(index)
    }

    /// Returns all items.
    pub fn items(&self) -> &[Value] {
        &self.0.items
    }

    /// Goes through the items.
    pub fn iter(&self) -> std::slice::Iter<'_, Value> {
        self.0.items.iter()
    }

    /// Returns the number of items.
    pub fn len(&self) -> usize {
        self.0.items.len()
    }

    /// Tells whether there is no item.
    pub fn is_empty(&self) -> bool {
        self.0.items.is_empty()
    }

    /// Tells whether both are the same array, not merely equal: GitHub's `==`.
    pub fn is_same(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.0, &other.0)
    }
}

impl Object {
    /// Makes an object whose keys differ in case, as those of the `env` context do except on Windows.
    ///
    /// Of members with one key the last value stays, at the place of the first.
    pub fn case_sensitive(members: impl IntoIterator<Item = (String, Value)>) -> Self {
        Self::build(members, true)
    }

    /// Makes an object as collecting does, without moving the members.
    pub(crate) fn from_members(members: Vec<(String, Value)>) -> Self {
        Self(Arc::new(Members::build(members, false)))
    }

    fn build(members: impl IntoIterator<Item = (String, Value)>, case_sensitive: bool) -> Self {
        Self(Arc::new(Members::build(members.into_iter().collect(), case_sensitive)))
    }

    /// Returns a member; case is ignored unless the object was made otherwise.
    pub fn get(&self, key: &str) -> Option<&Value> {
        self.0.list.get(self.0.find(key)?).map(|(_, value)| value)
    }

    /// Goes through the keys, as they were written.
    pub fn keys(&self) -> impl Iterator<Item = &str> {
        self.iter().map(|(key, _)| key)
    }

    /// Goes through the values.
    pub fn values(&self) -> impl Iterator<Item = &Value> {
        self.iter().map(|(_, value)| value)
    }

    /// Goes through the members in the order of insertion.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &Value)> {
        self.0.list.iter().map(|(key, value)| (key.as_str(), value))
    }

    /// Returns the number of members.
    pub fn len(&self) -> usize {
        self.0.list.len()
    }

    /// Tells whether there is no member.
    pub fn is_empty(&self) -> bool {
        self.0.list.is_empty()
    }

    /// Tells whether look-ups distinguish case.
    pub fn is_case_sensitive(&self) -> bool {
        self.0.case_sensitive
    }

    /// Tells whether both are the same object, not merely equal: GitHub's `==`.
    pub fn is_same(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.0, &other.0)
    }

    /// Returns a copy with one member added or replaced.
    #[must_use]
    pub fn with(&self, key: impl Into<String>, value: impl Into<Value>) -> Self {
        let old = self.iter().map(|(key, value)| (key.to_owned(), value.clone()));
        Self::build(old.chain([(key.into(), value.into())]), self.0.case_sensitive)
    }
}

impl<'a> IntoIterator for &'a Array {
    type Item = &'a Value;
    type IntoIter = std::slice::Iter<'a, Value>;

    fn into_iter(self) -> Self::IntoIter {
        self.iter()
    }
}

impl FromIterator<Value> for Array {
    fn from_iter<I: IntoIterator<Item = Value>>(items: I) -> Self {
        Self::new(items.into_iter().collect())
    }
}

/// Makes an object whose look-ups ignore case. Of keys that differ in case only, the last value and the first
/// spelling stay.
///
/// Source: GitHub: planning rules P3.10.
impl<K: Into<String>> FromIterator<(K, Value)> for Object {
    fn from_iter<I: IntoIterator<Item = (K, Value)>>(members: I) -> Self {
        Self::build(members.into_iter().map(|(key, value)| (key.into(), value)), false)
    }
}

impl Default for Array {
    fn default() -> Self {
        Self::new(Vec::new())
    }
}

impl Default for Object {
    fn default() -> Self {
        Self::build([], false)
    }
}

/// Equal items, for tests and records. GitHub's `==` is [`Value::loosely_equals`].
impl PartialEq for Array {
    fn eq(&self, other: &Self) -> bool {
        self.items() == other.items()
    }
}

/// Equal members in any order, for tests and records. GitHub's `==` is [`Value::loosely_equals`].
impl PartialEq for Object {
    fn eq(&self, other: &Self) -> bool {
        let same = |(key, value): &(String, Value)| {
            let found = other.0.find(key).and_then(|at| other.0.list.get(at));
            found.is_some_and(|(its_key, its_value)| its_key == key && its_value == value)
        };
        self.len() == other.len() && self.0.list.iter().all(same)
    }
}

impl fmt::Debug for Array {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.iter()).finish()
    }
}

impl fmt::Debug for Object {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_map().entries(self.iter()).finish()
    }
}
