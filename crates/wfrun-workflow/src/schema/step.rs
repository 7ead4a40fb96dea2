//! `jobs.<job_id>.steps[*]`: six kinds of steps, told apart by their keys.
use super::{BOOLEAN, Def, MappingDef, NON_EMPTY, Property, Text};
use crate::contexts;

/// The steps of a job.
pub(super) static STEPS: Def = Def::new("`steps`").sequence(&STEP);

static STEP: Def = Def::new("a step").mappings(&[&RUN, &USES, &WAIT, &WAIT_ALL, &CANCEL, &PARALLEL]);

static RUN: MappingDef = MappingDef::of(&[
    Property::new("name", &TEXT),
    Property::new("id", &NON_EMPTY),
    Property::new("if", &IF),
    Property::new("timeout-minutes", &MINUTES),
    Property::required("run", &TEXT),
    Property::new("continue-on-error", &CONTINUE_ON_ERROR),
    Property::new("env", &MAP),
    Property::new("working-directory", &TEXT),
    Property::new("shell", &NON_EMPTY),
    Property::new("background", &BOOLEAN),
]);
static USES: MappingDef = MappingDef::of(&[
    Property::new("name", &TEXT),
    Property::new("id", &NON_EMPTY),
    Property::new("if", &IF),
    Property::new("continue-on-error", &CONTINUE_ON_ERROR),
    Property::new("timeout-minutes", &MINUTES),
    Property::required("uses", &NON_EMPTY),
    Property::new("with", &MAP),
    Property::new("env", &MAP),
    Property::new("background", &BOOLEAN),
]);
static WAIT: MappingDef = MappingDef::of(&[
    Property::new("name", &TEXT),
    Property::new("id", &NON_EMPTY),
    Property::new("continue-on-error", &CONTINUE_ON_ERROR),
    Property::required("wait", &WAIT_TARGETS),
]);
static WAIT_ALL: MappingDef = MappingDef::of(&[
    Property::new("name", &TEXT),
    Property::new("id", &NON_EMPTY),
    Property::new("continue-on-error", &CONTINUE_ON_ERROR),
    Property::required("wait-all", &WAIT_ALL_VALUE),
]);
static CANCEL: MappingDef = MappingDef::of(&[
    Property::new("name", &TEXT),
    Property::new("id", &NON_EMPTY),
    Property::new("continue-on-error", &CONTINUE_ON_ERROR),
    Property::required("cancel", &NON_EMPTY),
]);
static PARALLEL: MappingDef = MappingDef::of(&[Property::required("parallel", &STEPS)]);

static TEXT: Def = Def::new("a text").context(&contexts::STEP).text(Text::Any);
static MAP: Def = Def::map("a mapping", &contexts::STEP);
static IF: Def = Def::new("`if`").context(&contexts::STEP_IF).text(Text::Any);
static MINUTES: Def = Def::new("a number of minutes").context(&contexts::STEP).number();
static CONTINUE_ON_ERROR: Def = Def::new("`continue-on-error`").context(&contexts::STEP).boolean();
static WAIT_TARGETS: Def = Def::names("`wait`");
static WAIT_ALL_VALUE: Def = Def::new("`wait-all`").null().boolean();
