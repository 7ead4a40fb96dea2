//! What may stand where in a workflow or action file: GitHub's schema, as tables.
//!
//! A [`Def`] says for one place which structures it takes and which contexts its expressions may use. The tables
//! are in the files below; `read` walks a YAML tree along them as GitHub's reader does.
//! Source: GitHub: planning rules 1.7 and 1.8 (`workflow-v1.0.json` and `action-v1.0.json`, August 2026).
mod action;
mod events;
mod job;
mod root;
mod step;

use wfrun_expr::Availability;

pub(crate) use action::{ACTION, ACTION_AT_RUN_TIME};
pub(crate) use events::EVENTS;
pub use events::EventSpec;
pub(crate) use root::WORKFLOW;

/// What may stand at one place.
#[derive(Debug)]
pub(crate) struct Def {
    /// What messages call it, `a step` or `` `on` ``; empty where it is called after its key.
    pub(crate) what: &'static str,
    /// The code for words and keys that do not belong, where there is a special one.
    pub(crate) code: Option<&'static str>,
    /// What expressions may use here and below; none means what the definition around it says.
    pub(crate) context: Option<&'static Availability>,
    /// Whether nothing at all is taken.
    pub(crate) null: bool,
    /// Whether a boolean is taken.
    pub(crate) boolean: bool,
    /// Whether a number is taken.
    pub(crate) number: bool,
    /// Which text is taken.
    pub(crate) text: Text,
    /// What the items of a sequence are, if one is taken.
    pub(crate) sequence: Option<&'static Self>,
    /// The code of the warning for unknown keys where GitHub's runner does not look at them; else they are errors.
    pub(crate) ignored_keys: Option<&'static str>,
    /// The mappings that are taken; with several, the keys decide which it is.
    pub(crate) mappings: &'static [&'static MappingDef],
}

/// Which text a place takes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Text {
    /// None.
    No,
    /// Any, also none at all.
    Any,
    /// Any but the empty one.
    NonEmpty,
    /// One of these words.
    OneOf(&'static [&'static str]),
    /// One of these words, in any case.
    OneOfInAnyCase(&'static [&'static str]),
}

/// One kind of mapping.
#[derive(Debug)]
pub(crate) struct MappingDef {
    /// Keys that are known.
    pub(crate) properties: &'static [Property],
    /// What other keys hold, if there may be others.
    pub(crate) loose: Option<&'static Def>,
}

/// A known key.
#[derive(Debug)]
pub(crate) struct Property {
    /// The key; case counts.
    pub(crate) name: &'static str,
    /// What its value is.
    pub(crate) value: &'static Def,
    /// Whether it may not be left out.
    pub(crate) required: bool,
}

impl Def {
    /// Takes nothing; the methods below add to it.
    pub(crate) const fn new(what: &'static str) -> Self {
        Self {
            what,
            code: None,
            context: None,
            null: false,
            boolean: false,
            number: false,
            text: Text::No,
            sequence: None,
            ignored_keys: None,
            mappings: &[],
        }
    }

    pub(crate) const fn code(mut self, code: &'static str) -> Self {
        self.code = Some(code);
        self
    }

    pub(crate) const fn context(mut self, context: &'static Availability) -> Self {
        self.context = Some(context);
        self
    }

    pub(crate) const fn null(mut self) -> Self {
        self.null = true;
        self
    }

    pub(crate) const fn boolean(mut self) -> Self {
        self.boolean = true;
        self
    }

    pub(crate) const fn number(mut self) -> Self {
        self.number = true;
        self
    }

    pub(crate) const fn text(mut self, text: Text) -> Self {
        self.text = text;
        self
    }

    pub(crate) const fn sequence(mut self, item: &'static Self) -> Self {
        self.sequence = Some(item);
        self
    }

    pub(crate) const fn mappings(mut self, mappings: &'static [&'static MappingDef]) -> Self {
        self.mappings = mappings;
        self
    }

    pub(crate) const fn ignored_keys(mut self, code: &'static str) -> Self {
        self.ignored_keys = Some(code);
        self
    }

    /// A text or a list of them.
    pub(crate) const fn names(what: &'static str) -> Self {
        Self::new(what).text(Text::NonEmpty).sequence(&NON_EMPTY)
    }

    /// Free keys with texts in which expressions of `context` are evaluated.
    pub(crate) const fn map(what: &'static str, context: &'static Availability) -> Self {
        Self::new(what).context(context).mappings(&TEXTS_BY_NAME)
    }
}

impl MappingDef {
    /// Known keys only.
    pub(crate) const fn of(properties: &'static [Property]) -> Self {
        Self { properties, loose: None }
    }

    /// Free keys only.
    pub(crate) const fn loose(value: &'static Def) -> Self {
        Self { properties: &[], loose: Some(value) }
    }

    /// Returns what a known key holds.
    pub(crate) fn property(&self, name: &str) -> Option<&'static Property> {
        self.properties.iter().find(|it| it.name == name)
    }
}

impl Property {
    pub(crate) const fn new(name: &'static str, value: &'static Def) -> Self {
        Self { name, value, required: false }
    }

    pub(crate) const fn required(name: &'static str, value: &'static Def) -> Self {
        Self { name, value, required: true }
    }
}

/// Free keys with texts.
static TEXTS_BY_NAME: [&MappingDef; 1] = [&MappingDef::loose(&ANY_TEXT)];
/// Any text.
pub(crate) static ANY_TEXT: Def = Def::new("").text(Text::Any);
/// Any text but the empty one.
pub(crate) static NON_EMPTY: Def = Def::new("").text(Text::NonEmpty);
/// `true` or `false`.
pub(crate) static BOOLEAN: Def = Def::new("").boolean();
/// A list of texts.
pub(crate) static TEXTS: Def = Def::new("").sequence(&NON_EMPTY);
/// Anything.
pub(crate) static ANY: Def = Def::new("")
    .null()
    .boolean()
    .number()
    .text(Text::Any)
    .sequence(&ANY)
    .mappings(&[&MappingDef { properties: &[], loose: Some(&ANY) }]);
