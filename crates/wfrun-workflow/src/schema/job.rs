//! `jobs.<job_id>`: a job with steps, or one that calls a reusable workflow.
use super::root::{CACHE_MODE, CONCURRENCY_MAPPING, DEFAULTS_RUN_MAPPING, LIST, NEEDS, PERMISSIONS};
use super::{ANY, ANY_TEXT, BOOLEAN, Def, MappingDef, NON_EMPTY, Property, Text, step};
use crate::contexts;

/// A job; its keys decide of which kind it is.
pub(super) static JOB: Def = Def::new("a job").mappings(&[&STEPS_JOB, &CALL_JOB]);

static STEPS_JOB: MappingDef = MappingDef::of(&[
    Property::new("needs", &NEEDS),
    Property::new("if", &IF),
    Property::new("strategy", &STRATEGY),
    Property::new("name", &NAME),
    Property::required("runs-on", &RUNS_ON),
    Property::new("timeout-minutes", &MINUTES),
    Property::new("cancel-timeout-minutes", &MINUTES),
    Property::new("continue-on-error", &CONTINUE_ON_ERROR),
    Property::new("container", &CONTAINER),
    Property::new("services", &SERVICES),
    Property::new("env", &ENV),
    Property::new("environment", &ENVIRONMENT),
    Property::new("permissions", &PERMISSIONS),
    Property::new("cache-mode", &CACHE_MODE),
    Property::new("concurrency", &CONCURRENCY),
    Property::new("outputs", &OUTPUTS),
    Property::new("defaults", &DEFAULTS),
    Property::new("steps", &step::STEPS),
    Property::new("snapshot", &SNAPSHOT),
]);

static CALL_JOB: MappingDef = MappingDef::of(&[
    Property::new("name", &NAME),
    Property::required("uses", &NON_EMPTY),
    Property::new("with", &WITH),
    Property::new("secrets", &SECRETS),
    Property::new("needs", &NEEDS),
    Property::new("if", &IF),
    Property::new("permissions", &PERMISSIONS),
    Property::new("cache-mode", &CACHE_MODE),
    Property::new("concurrency", &CONCURRENCY),
    Property::new("strategy", &STRATEGY),
]);

static IF: Def = Def::new("`if`").context(&contexts::JOB_IF).text(Text::Any);
static NAME: Def = Def::new("`name`").context(&contexts::JOB).text(Text::Any);
static MINUTES: Def = Def::new("").context(&contexts::JOB).number();
static CONTINUE_ON_ERROR: Def = Def::new("`continue-on-error`").context(&contexts::JOB).boolean();
static ENV: Def = Def::map("`env`", &contexts::JOB_ENV);
static OUTPUTS: Def = Def::new("`outputs`").mappings(&[&MappingDef::loose(&OUTPUT)]);
static OUTPUT: Def = Def::new("an output").context(&contexts::JOB_OUTPUTS).text(Text::Any);
static DEFAULTS: Def = Def::new("`defaults`").mappings(&[&MappingDef::of(&[Property::new("run", &DEFAULTS_RUN)])]);
static DEFAULTS_RUN: Def =
    Def::new("`defaults.run`").context(&contexts::JOB_DEFAULTS).mappings(&[&DEFAULTS_RUN_MAPPING]);
static CONCURRENCY: Def =
    Def::new("`concurrency`").context(&contexts::JOB).text(Text::NonEmpty).mappings(&[&CONCURRENCY_MAPPING]);

static RUNS_ON: Def = Def::new("`runs-on`")
    .context(&contexts::JOB)
    .text(Text::NonEmpty)
    .sequence(&NON_EMPTY)
    .mappings(&[&MappingDef::of(&[Property::new("group", &NON_EMPTY), Property::new("labels", &LABELS)])]);
static LABELS: Def = Def::names("`labels`");

static ENVIRONMENT: Def =
    Def::new("`environment`").context(&contexts::JOB).text(Text::Any).mappings(&[&MappingDef::of(&[
        Property::required("name", &ANY_TEXT),
        Property::new("url", &ENVIRONMENT_URL),
        Property::new("deployment", &BOOLEAN),
    ])]);
static ENVIRONMENT_URL: Def = Def::new("`url`").context(&contexts::ENVIRONMENT_URL).text(Text::Any);

static SNAPSHOT: Def = Def::new("`snapshot`").text(Text::NonEmpty).mappings(&[&MappingDef::of(&[
    Property::required("image-name", &NON_EMPTY),
    Property::new("if", &SNAPSHOT_IF),
    Property::new("version", &NON_EMPTY),
])]);
static SNAPSHOT_IF: Def = Def::new("`if`").context(&contexts::JOB).text(Text::Any);

static STRATEGY: Def = Def::new("`strategy`").context(&contexts::STRATEGY).mappings(&[&MappingDef::of(&[
    Property::new("fail-fast", &BOOLEAN),
    Property::new("max-parallel", &MAX_PARALLEL),
    Property::new("matrix", &MATRIX),
])]);
static MAX_PARALLEL: Def = Def::new("").number();
static MATRIX: Def = Def::new("`matrix`").mappings(&[&MappingDef {
    properties: &[Property::new("include", &MATRIX_FILTER), Property::new("exclude", &MATRIX_FILTER)],
    loose: Some(&VECTOR),
}]);
static VECTOR: Def = Def::new("").sequence(&ANY);
static MATRIX_FILTER: Def = Def::new("").sequence(&MATRIX_FILTER_ITEM);
static MATRIX_FILTER_ITEM: Def = Def::new("a combination").mappings(&[&MappingDef::loose(&ANY)]);

static CONTAINER: Def =
    Def::new("`container`").context(&contexts::JOB).text(Text::Any).mappings(&[&MappingDef::of(CONTAINER_KEYS)]);
static SERVICES: Def = Def::new("`services`").context(&contexts::JOB).mappings(&[&MappingDef::loose(&SERVICE)]);
static SERVICE: Def = Def::new("a service").text(Text::NonEmpty).mappings(&[&MappingDef::of(&[
    Property::new("image", &NON_EMPTY),
    Property::new("options", &ANY_TEXT),
    Property::new("env", &CONTAINER_ENV),
    Property::new("ports", LIST),
    Property::new("volumes", LIST),
    Property::new("credentials", &CREDENTIALS),
    Property::new("entrypoint", &ANY_TEXT),
    Property::new("command", &ANY_TEXT),
])]);
const CONTAINER_KEYS: &[Property] = &[
    Property::new("image", &NON_EMPTY),
    Property::new("options", &ANY_TEXT),
    Property::new("env", &CONTAINER_ENV),
    Property::new("ports", LIST),
    Property::new("volumes", LIST),
    Property::new("credentials", &CREDENTIALS),
];
static CONTAINER_ENV: Def = Def::map("`env`", &contexts::JOB_OUTPUTS);
static CREDENTIALS: Def = Def::new("`credentials`")
    .context(&contexts::CREDENTIALS)
    .mappings(&[&MappingDef::of(&[Property::new("username", &NON_EMPTY), Property::new("password", &NON_EMPTY)])]);

static WITH: Def = Def::new("`with`").mappings(&[&MappingDef::loose(&WITH_VALUE)]);
static WITH_VALUE: Def = Def::new("an input").context(&contexts::JOB).text(Text::Any).boolean().number();
static SECRETS: Def =
    Def::new("`secrets`").text(Text::OneOf(&["inherit"])).mappings(&[&MappingDef::loose(&SECRET_VALUE)]);
static SECRET_VALUE: Def = Def::new("a secret").context(&contexts::JOB_ENV).text(Text::Any).boolean().number();
