use std::{borrow::Cow, fmt, sync::Arc};

use wfrun_syntax::format_number;

use crate::{Array, Object, compare, json, parse_number};

/// A value of the expression language.
///
/// `PartialEq` compares contents, for tests and records; GitHub's `==` is [`Value::loosely_equals`].
/// Source: GitHub: planning rules P3.4.
#[derive(Debug, Clone, PartialEq, Default)]
pub enum Value {
    /// `null`, and whatever does not exist.
    #[default]
    Null,
    /// `true` or `false`.
    Bool(bool),
    /// Any number: a double.
    Number(f64),
    /// A string.
    String(Arc<str>),
    /// A list, or the result of `.*`.
    Array(Array),
    /// A map, such as every context.
    Object(Object),
}

/// The kind of a [`Value`], displayed by GitHub's name for it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Kind {
    /// `Null`
    Null,
    /// `Boolean`
    Boolean,
    /// `Number`
    Number,
    /// `String`
    String,
    /// `Array`
    Array,
    /// `Object`
    Object,
}

impl Value {
    /// Makes a string.
    pub fn string(text: impl AsRef<str>) -> Self {
        Self::String(Arc::from(text.as_ref()))
    }

    /// Returns the kind.
    pub const fn kind(&self) -> Kind {
        match self {
            Self::Null => Kind::Null,
            Self::Bool(_) => Kind::Boolean,
            Self::Number(_) => Kind::Number,
            Self::String(_) => Kind::String,
            Self::Array(_) => Kind::Array,
            Self::Object(_) => Kind::Object,
        }
    }

    /// Tells whether a condition with this result holds: all but null, `false`, 0, NaN and the empty string.
    ///
    /// Source: GitHub: planning rules P3.4.
    pub fn is_truthy(&self) -> bool {
        match self {
            Self::Null => false,
            Self::Bool(it) => *it,
            Self::Number(it) => *it != 0.0 && !it.is_nan(),
            Self::String(it) => !it.is_empty(),
            Self::Array(_) | Self::Object(_) => true,
        }
    }

    /// Tells whether the value is null, a boolean, a number or a string.
    pub const fn is_primitive(&self) -> bool {
        !matches!(self, Self::Array(_) | Self::Object(_))
    }

    /// Returns the number GitHub makes of the value: NaN of collections and of text that is no number.
    ///
    /// Source: GitHub: planning rules P3.4.
    pub fn to_number(&self) -> f64 {
        match self {
            Self::Null => 0.0,
            Self::Bool(it) => f64::from(u8::from(*it)),
            Self::Number(it) => *it,
            Self::String(it) => parse_number(it),
            Self::Array(_) | Self::Object(_) => f64::NAN,
        }
    }

    /// Returns the string GitHub makes of the value: empty of null, `Array` and `Object` of collections.
    ///
    /// Source: GitHub: planning rules P3.4 and P3.8.
    pub fn to_text(&self) -> String {
        self.text().into_owned()
    }

    /// What [`Self::to_text`] returns, borrowed where it can be.
    pub(crate) fn text(&self) -> Cow<'_, str> {
        Cow::Borrowed(match self {
            Self::Null => "",
            Self::Bool(true) => "true",
            Self::Bool(false) => "false",
            Self::Number(it) => return Cow::Owned(format_number(*it)),
            Self::String(it) => it,
            Self::Array(_) => "Array",
            Self::Object(_) => "Object",
        })
    }

    /// Tells whether GitHub's `==` holds: text ignores case, different kinds become numbers, collections are equal
    /// to themselves only.
    ///
    /// Source: GitHub: planning rules P3.4.
    pub fn loosely_equals(&self, other: &Self) -> bool {
        compare::equal(self, other)
    }

    /// Returns what `toJSON` makes of the value: two blanks of indentation, members in their order.
    ///
    /// Source: GitHub: planning rules P3.9.
    pub fn to_json(&self) -> String {
        json::write(self)
    }

    /// Returns a member of an object or nothing.
    pub fn get(&self, key: &str) -> Option<&Self> {
        self.as_object()?.get(key)
    }

    /// Returns the text of a string; not of other kinds, see [`Self::to_text`].
    pub fn as_str(&self) -> Option<&str> {
        if let Self::String(it) = self { Some(it) } else { None }
    }

    /// Returns the boolean, if it is one.
    pub const fn as_bool(&self) -> Option<bool> {
        if let Self::Bool(it) = self { Some(*it) } else { None }
    }

    /// Returns the number, if it is one.
    pub const fn as_number(&self) -> Option<f64> {
        if let Self::Number(it) = self { Some(*it) } else { None }
    }

    /// Returns the array, if it is one.
    pub const fn as_array(&self) -> Option<&Array> {
        if let Self::Array(it) = self { Some(it) } else { None }
    }

    /// Returns the object, if it is one.
    pub const fn as_object(&self) -> Option<&Object> {
        if let Self::Object(it) = self { Some(it) } else { None }
    }
}

/// As in GitHub's debug log: strings in single quotes, collections as `Array` and `Object`.
impl fmt::Display for Value {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Null => f.write_str("null"),
            Self::String(it) if it.contains('\'') => write!(f, "'{}'", it.replace('\'', "''")),
            Self::String(it) => write!(f, "'{it}'"),
            Self::Bool(_) | Self::Number(_) | Self::Array(_) | Self::Object(_) => f.write_str(&self.text()),
        }
    }
}

impl Kind {
    /// Returns GitHub's name for it.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Null => "Null",
            Self::Boolean => "Boolean",
            Self::Number => "Number",
            Self::String => "String",
            Self::Array => "Array",
            Self::Object => "Object",
        }
    }
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl From<bool> for Value {
    fn from(it: bool) -> Self {
        Self::Bool(it)
    }
}

impl From<f64> for Value {
    fn from(it: f64) -> Self {
        Self::Number(it)
    }
}

impl From<&str> for Value {
    fn from(it: &str) -> Self {
        Self::String(it.into())
    }
}

impl From<String> for Value {
    fn from(it: String) -> Self {
        Self::String(it.into())
    }
}

impl From<Array> for Value {
    fn from(it: Array) -> Self {
        Self::Array(it)
    }
}

impl From<Object> for Value {
    fn from(it: Object) -> Self {
        Self::Object(it)
    }
}
