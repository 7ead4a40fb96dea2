//! What may stand below `on:`, event by event.
use super::{ANY_TEXT, BOOLEAN, Def, MappingDef, NON_EMPTY, Property, Text};
use crate::contexts;

/// One of GitHub's events.
#[derive(Debug)]
pub struct EventSpec {
    /// Its name, as under `on:`.
    pub name: &'static str,
    /// Its activity types; none if it has no `types`, or free ones.
    pub types: &'static [&'static str],
    /// The types that set a workflow off where it names none.
    pub default_types: &'static [&'static str],
    pub(crate) value: &'static Def,
}

macro_rules! value {
    ($name:literal, [], []) => {{
        static VALUE: Def = Def::new(concat!("`", $name, "`")).null();
        &VALUE
    }};
    ($name:literal, [], [$($key:literal: $def:path),*]) => {{
        static VALUE: Def = Def::new(concat!("`", $name, "`"))
            .null()
            .mappings(&[&MappingDef { properties: &[$(Property { name: $key, value: &$def, required: false }),*], loose: None }]);
        &VALUE
    }};
    ($name:literal, [$($type:literal),+], [$($key:literal: $def:path),*]) => {{
        static TYPE: Def = Def::new(concat!("a type of `", $name, "`")).text(Text::OneOf(&[$($type),+]));
        static TYPES: Def = Def::new("`types`").text(Text::OneOf(&[$($type),+])).sequence(&TYPE);
        static VALUE: Def = Def::new(concat!("`", $name, "`")).null().mappings(&[&MappingDef {
            properties: &[
                Property { name: "types", value: &TYPES, required: false },
                $(Property { name: $key, value: &$def, required: false }),*
            ],
            loose: None,
        }]);
        &VALUE
    }};
}

macro_rules! events {
    ($($name:literal [$($type:literal)*] $(by default [$($default:literal)*])? $({$($key:literal: $def:path),*})? $(as $value:path)?;)*) => {
        &[$(EventSpec {
            name: $name,
            types: &[$($type),*],
            default_types: defaults!([$($type),*] $([$($default),*])?),
            value: pick!($(($value))? (value!($name, [$($type),*], [$($($key: $def),*)?]))),
        }),*]
    };
}

macro_rules! pick {
    (($value:path) $($rest:tt)*) => {
        &$value
    };
    (($value:expr)) => {
        $value
    };
}

macro_rules! defaults {
    ([$($type:literal),*]) => { &[$($type),*] };
    ([$($type:literal),*] [$($default:literal),*]) => { &[$($default),*] };
}

static BRANCHES: Def = Def::names("`branches`");
static BRANCHES_IGNORE: Def = Def::names("`branches-ignore`");
static TAGS: Def = Def::names("`tags`");
static TAGS_IGNORE: Def = Def::names("`tags-ignore`");
static PATHS: Def = Def::names("`paths`");
static PATHS_IGNORE: Def = Def::names("`paths-ignore`");
static NAMES: Def = Def::names("`names`");
static VERSIONS: Def = Def::names("`versions`");
static WORKFLOWS: Def = Def::names("`workflows`");
static FREE_TYPES: Def = Def::names("`types`");

/// All events, in the order of their names.
///
/// Source: GitHub: planning rules 2.2.
pub(crate) static EVENTS: &[EventSpec] = events! {
    "branch_protection_rule" ["created" "edited" "deleted"] {};
    "check_run" ["completed" "created" "rerequested" "requested_action"] {};
    "check_suite" ["completed"] {};
    "create" [] {};
    "delete" [] {};
    "deployment" [] {};
    "deployment_status" [] {};
    "discussion" ["created" "edited" "deleted" "transferred" "pinned" "unpinned" "labeled" "unlabeled" "locked" "unlocked" "category_changed" "answered" "unanswered"] {};
    "discussion_comment" ["created" "edited" "deleted"] {};
    "fork" [] {};
    "gollum" [] {};
    "image_version" ["created" "ready" "deleted"] {"names": NAMES, "versions": VERSIONS};
    "issue_comment" ["created" "edited" "deleted"] {};
    "issues" ["opened" "edited" "deleted" "transferred" "pinned" "unpinned" "closed" "reopened" "assigned" "unassigned" "labeled" "unlabeled" "locked" "unlocked" "milestoned" "demilestoned" "field_added" "field_removed" "typed" "untyped"] {};
    "label" ["created" "edited" "deleted"] {};
    "merge_group" ["checks_requested"] {"branches": BRANCHES, "branches-ignore": BRANCHES_IGNORE};
    "milestone" ["created" "closed" "opened" "edited" "deleted"] {};
    "page_build" [] {};
    "project" ["created" "closed" "reopened" "edited" "deleted"] {};
    "project_card" ["created" "moved" "converted" "edited" "deleted"] {};
    "project_column" ["created" "updated" "moved" "deleted"] {};
    "public" [] {};
    "pull_request" ["assigned" "unassigned" "labeled" "unlabeled" "opened" "edited" "closed" "reopened" "synchronize" "converted_to_draft" "locked" "unlocked" "enqueued" "dequeued" "milestoned" "demilestoned" "ready_for_review" "review_requested" "review_request_removed" "auto_merge_enabled" "auto_merge_disabled" "stacked"]
        by default ["opened" "synchronize" "reopened"]
        {"branches": BRANCHES, "branches-ignore": BRANCHES_IGNORE, "paths": PATHS, "paths-ignore": PATHS_IGNORE};
    "pull_request_comment" ["created" "edited" "deleted"] {};
    "pull_request_review" ["submitted" "edited" "dismissed"] {};
    "pull_request_review_comment" ["created" "edited" "deleted"] {};
    "pull_request_target" ["assigned" "unassigned" "labeled" "unlabeled" "opened" "edited" "closed" "reopened" "synchronize" "converted_to_draft" "locked" "unlocked" "enqueued" "dequeued" "milestoned" "demilestoned" "ready_for_review" "review_requested" "review_request_removed" "auto_merge_enabled" "auto_merge_disabled" "stacked"]
        by default ["opened" "synchronize" "reopened"]
        {"branches": BRANCHES, "branches-ignore": BRANCHES_IGNORE, "paths": PATHS, "paths-ignore": PATHS_IGNORE};
    "push" [] {"branches": BRANCHES, "branches-ignore": BRANCHES_IGNORE, "tags": TAGS, "tags-ignore": TAGS_IGNORE, "paths": PATHS, "paths-ignore": PATHS_IGNORE};
    "registry_package" ["published" "updated"] {};
    "release" ["published" "unpublished" "created" "edited" "deleted" "prereleased" "released"] {};
    "repository_dispatch" [] {"types": FREE_TYPES};
    "schedule" [] as SCHEDULE;
    "status" [] {};
    "watch" ["started"] {};
    "workflow_call" [] as WORKFLOW_CALL;
    "workflow_dispatch" [] as WORKFLOW_DISPATCH;
    "workflow_run" ["requested" "completed" "in_progress"] {"workflows": WORKFLOWS, "branches": BRANCHES, "branches-ignore": BRANCHES_IGNORE};
};

impl EventSpec {
    /// Finds an event by its name; case counts.
    pub fn find(name: &str) -> Option<&'static Self> {
        EVENTS.iter().find(|it| it.name == name)
    }

    /// Returns the names of all events.
    pub fn names() -> impl Iterator<Item = &'static str> + Clone {
        EVENTS.iter().map(|it| it.name)
    }
}

static SCHEDULE: Def = Def::new("`schedule`").sequence(&CRON);
static CRON: Def = Def::new("an entry of `schedule`")
    .mappings(&[&MappingDef::of(&[Property::required("cron", &NON_EMPTY), Property::new("timezone", &NON_EMPTY)])]);

static WORKFLOW_CALL: Def = Def::new("`workflow_call`").null().mappings(&[&MappingDef::of(&[
    Property::new("inputs", &CALL_INPUTS),
    Property::new("secrets", &CALL_SECRETS),
    Property::new("outputs", &CALL_OUTPUTS),
])]);
static CALL_INPUTS: Def = Def::new("`inputs`").mappings(&[&MappingDef::loose(&CALL_INPUT)]);
static CALL_INPUT: Def = Def::new("an input of `workflow_call`").mappings(&[&MappingDef::of(&[
    Property::new("description", &ANY_TEXT),
    Property::required("type", &CALL_INPUT_TYPE),
    Property::new("required", &BOOLEAN),
    Property::new("default", &CALL_INPUT_DEFAULT),
])]);
static CALL_INPUT_TYPE: Def = Def::new("`type`").text(Text::OneOf(&["string", "boolean", "number"]));
static CALL_INPUT_DEFAULT: Def = Def::new("`default`").context(&contexts::RUN_NAME).text(Text::Any).boolean().number();
static CALL_SECRETS: Def = Def::new("`secrets`").mappings(&[&MappingDef::loose(&CALL_SECRET)]);
static CALL_SECRET: Def = Def::new("a secret of `workflow_call`")
    .null()
    .mappings(&[&MappingDef::of(&[Property::new("description", &ANY_TEXT), Property::new("required", &BOOLEAN)])]);
static CALL_OUTPUTS: Def = Def::new("`outputs`").mappings(&[&MappingDef::loose(&CALL_OUTPUT)]);
static CALL_OUTPUT: Def = Def::new("an output of `workflow_call`").mappings(&[&MappingDef::of(&[
    Property::new("description", &ANY_TEXT),
    Property::required("value", &CALL_OUTPUT_VALUE),
])]);
static CALL_OUTPUT_VALUE: Def = Def::new("`value`").context(&contexts::CALL_OUTPUT).text(Text::Any);

static WORKFLOW_DISPATCH: Def =
    Def::new("`workflow_dispatch`").null().mappings(&[&MappingDef::of(&[Property::new("inputs", &DISPATCH_INPUTS)])]);
/// Source: GitHub: `workflow-dispatch-inputs-relaxed` of the service's `workflow-v1.0.json`; the editor's schema has no null there.
static DISPATCH_INPUTS: Def = Def::new("`inputs`").null().mappings(&[&MappingDef::loose(&DISPATCH_INPUT)]);
static DISPATCH_INPUT: Def = Def::new("an input of `workflow_dispatch`").null().mappings(&[&MappingDef::of(&[
    Property::new("description", &ANY_TEXT),
    Property::new("type", &DISPATCH_INPUT_TYPE),
    Property::new("required", &BOOLEAN),
    Property::new("default", &DISPATCH_INPUT_DEFAULT),
    Property::new("options", &DISPATCH_OPTIONS),
])]);
static DISPATCH_INPUT_TYPE: Def =
    Def::new("`type`").text(Text::OneOf(&["string", "boolean", "number", "environment", "choice"]));
static DISPATCH_INPUT_DEFAULT: Def = Def::new("`default`").text(Text::Any).boolean().number();
static DISPATCH_OPTIONS: Def = Def::new("`options`").sequence(&ANY_TEXT);
