//! The root of a workflow file.
use super::{ANY_TEXT, BOOLEAN, Def, EVENTS, MappingDef, NON_EMPTY, Property, TEXTS, Text, job};
use crate::contexts;

/// A workflow file.
pub(crate) static WORKFLOW: Def = Def::new("the workflow").mappings(&[&MappingDef::of(&[
    Property::required("on", &ON),
    Property::new("name", &ANY_TEXT),
    Property::new("description", &ANY_TEXT),
    Property::new("run-name", &RUN_NAME),
    Property::new("defaults", &DEFAULTS),
    Property::new("env", &ENV),
    Property::new("permissions", &PERMISSIONS),
    Property::new("cache-mode", &CACHE_MODE),
    Property::new("concurrency", &CONCURRENCY),
    Property::required("jobs", &JOBS),
])]);

static RUN_NAME: Def = Def::new("`run-name`").context(&contexts::RUN_NAME).text(Text::Any);
static ENV: Def = Def::map("`env`", &contexts::ROOT_ENV);

static ON: Def = Def::new("`on`").code(UNKNOWN_EVENT).text(EVENT_NAMES).sequence(&EVENT_NAME).mappings(&[&ON_MAPPING]);
static EVENT_NAME: Def = Def::new("an event").code(UNKNOWN_EVENT).text(EVENT_NAMES);
const UNKNOWN_EVENT: &str = "workflow/unknown-event";
const EVENT_NAMES: Text = Text::OneOf(&NAMES);

/// How many events there are.
const COUNT: usize = EVENTS.len();

static NAMES: [&str; COUNT] = {
    let mut names = [""; COUNT];
    let mut at = 0;
    while at < COUNT {
        names[at] = EVENTS[at].name;
        at += 1;
    }
    names
};

static ON_MAPPING: MappingDef = MappingDef::of(&ON_PROPERTIES);

static ON_PROPERTIES: [Property; COUNT] = {
    const EMPTY: Property = Property::new("", &ANY_TEXT);
    let mut properties = [EMPTY; COUNT];
    let mut at = 0;
    while at < COUNT {
        properties[at] = Property::new(EVENTS[at].name, EVENTS[at].value);
        at += 1;
    }
    properties
};

static DEFAULTS: Def = Def::new("`defaults`").mappings(&[&MappingDef::of(&[Property::new("run", &DEFAULTS_RUN)])]);
static DEFAULTS_RUN: Def = Def::new("`defaults.run`").mappings(&[&DEFAULTS_RUN_MAPPING]);
pub(super) static DEFAULTS_RUN_MAPPING: MappingDef =
    MappingDef::of(&[Property::new("shell", &NON_EMPTY), Property::new("working-directory", &NON_EMPTY)]);

static CONCURRENCY: Def =
    Def::new("`concurrency`").context(&contexts::RUN_NAME).text(Text::Any).mappings(&[&CONCURRENCY_MAPPING]);
pub(super) static CONCURRENCY_MAPPING: MappingDef = MappingDef::of(&[
    Property::required("group", &NON_EMPTY),
    Property::new("cancel-in-progress", &BOOLEAN),
    Property::new("queue", &QUEUE),
]);
static QUEUE: Def = Def::new("`queue`").text(Text::OneOf(&["single", "max"]));

/// Levels of the token's permissions.
pub(super) static PERMISSIONS: Def =
    Def::new("`permissions`").text(Text::OneOf(&["read-all", "write-all"])).mappings(&[&MappingDef::of(&[
        Property::new("actions", &ANY_LEVEL),
        Property::new("artifact-metadata", &ANY_LEVEL),
        Property::new("attestations", &ANY_LEVEL),
        Property::new("checks", &ANY_LEVEL),
        Property::new("code-quality", &ANY_LEVEL),
        Property::new("contents", &ANY_LEVEL),
        Property::new("copilot-requests", &WRITE_OR_NONE),
        Property::new("deployments", &ANY_LEVEL),
        Property::new("discussions", &ANY_LEVEL),
        Property::new("drives", &ANY_LEVEL),
        Property::new("id-token", &WRITE_OR_NONE),
        Property::new("issues", &ANY_LEVEL),
        Property::new("models", &READ_OR_NONE),
        Property::new("packages", &ANY_LEVEL),
        Property::new("pages", &ANY_LEVEL),
        Property::new("pull-requests", &ANY_LEVEL),
        Property::new("repository-projects", &ANY_LEVEL),
        Property::new("security-events", &ANY_LEVEL),
        Property::new("statuses", &ANY_LEVEL),
        Property::new("vulnerability-alerts", &READ_OR_NONE),
    ])]);
static ANY_LEVEL: Def = Def::new("").text(Text::OneOf(&["read", "write", "none"]));
static WRITE_OR_NONE: Def = Def::new("").text(Text::OneOf(&["write", "none"]));
static READ_OR_NONE: Def = Def::new("").text(Text::OneOf(&["read", "none"]));

/// What a job may do with caches.
///
/// Source: <https://github.blog/changelog/2026-09-10-control-github-actions-cache-access-with-cache-mode>; newer than the schema files.
pub(super) static CACHE_MODE: Def =
    Def::new("`cache-mode`").text(Text::OneOf(&["read", "write", "write-only", "none"]));

static JOBS: Def = Def::new("`jobs`").mappings(&[&MappingDef::loose(&job::JOB)]);

/// The names of `needs`.
pub(super) static NEEDS: Def = Def::new("`needs`").text(Text::NonEmpty).sequence(&NON_EMPTY);
/// A list of texts that are not empty.
pub(super) static LIST: &Def = &TEXTS;
