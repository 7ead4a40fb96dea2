//! `action.yml`.
use super::{ANY, ANY_TEXT, Def, MappingDef, NON_EMPTY, Property, Text};
use crate::contexts;

/// An action file. Only the editor refuses unknown keys at its root (`action-root-strict`); the runner does not look at them.
pub(crate) static ACTION: Def =
    Def::new("the action").ignored_keys("action/unused-key").mappings(&[&MappingDef::of(&[
        Property::required("name", &NON_EMPTY),
        Property::required("description", &ANY_TEXT),
        Property::new("author", &ANY_TEXT),
        Property::new("inputs", &INPUTS),
        Property::new("outputs", &OUTPUTS),
        Property::required("runs", &RUNS),
        Property::new("branding", &BRANDING),
    ])]);

/// An action file as GitHub's runner reads it: only what it uses is looked at.
pub(crate) static ACTION_AT_RUN_TIME: Def = Def::new("the action").mappings(&[&MappingDef {
    properties: &[
        Property::new("name", &ANY_TEXT),
        Property::new("description", &ANY_TEXT),
        Property::new("inputs", &INPUTS_AT_RUN_TIME),
        Property::new("outputs", &OUTPUTS),
        Property::required("runs", &RUNS),
    ],
    loose: Some(&ANY),
}]);
static INPUTS_AT_RUN_TIME: Def = Def::new("`inputs`").null().mappings(&[&MappingDef::loose(&INPUT_AT_RUN_TIME)]);
static INPUT_AT_RUN_TIME: Def = Def::new("an input")
    .null()
    .mappings(&[&MappingDef { properties: &[Property::new("default", &INPUT_DEFAULT)], loose: Some(&ANY) }]);

static INPUTS: Def = Def::new("`inputs`").mappings(&[&MappingDef::loose(&INPUT)]);
static INPUT: Def = Def::new("an input").mappings(&[&MappingDef {
    properties: &[
        Property::new("description", &ANY_TEXT),
        Property::new("required", &super::BOOLEAN),
        Property::new("default", &INPUT_DEFAULT),
        Property::new("deprecationMessage", &ANY_TEXT),
    ],
    loose: Some(&ANY),
}]);
static INPUT_DEFAULT: Def = Def::new("`default`").context(&contexts::ACTION_INPUT).text(Text::Any);
static OUTPUTS: Def = Def::new("`outputs`").mappings(&[&MappingDef::loose(&OUTPUT)]);
static OUTPUT: Def = Def::new("an output")
    .mappings(&[&MappingDef::of(&[Property::new("description", &ANY_TEXT), Property::new("value", &OUTPUT_VALUE)])]);
static OUTPUT_VALUE: Def = Def::new("`value`").context(&contexts::ACTION_OUTPUT).text(Text::Any);

static RUNS: Def = Def::new("`runs`").mappings(&[&CONTAINER, &NODE, &COMPOSITE]);
static CONTAINER: MappingDef = MappingDef::of(&[
    Property::required("using", &USING),
    Property::required("image", &NON_EMPTY),
    Property::new("entrypoint", &NON_EMPTY),
    Property::new("args", &ARGS),
    Property::new("env", &CONTAINER_ENV),
    Property::new("pre-entrypoint", &NON_EMPTY),
    Property::new("pre-if", &RUNS_IF),
    Property::new("post-entrypoint", &NON_EMPTY),
    Property::new("post-if", &RUNS_IF),
]);
static NODE: MappingDef = MappingDef::of(&[
    Property::required("using", &USING),
    Property::required("main", &NON_EMPTY),
    Property::new("pre", &NON_EMPTY),
    Property::new("pre-if", &RUNS_IF),
    Property::new("post", &NON_EMPTY),
    Property::new("post-if", &RUNS_IF),
]);
static COMPOSITE: MappingDef =
    MappingDef::of(&[Property::required("using", &USING), Property::required("steps", &STEPS)]);

static USING: Def =
    Def::new("`using`").text(Text::OneOfInAnyCase(&["docker", "node12", "node16", "node20", "node24", "composite"]));
static ARGS: Def = Def::new("`args`").sequence(&ARG);
static ARG: Def = Def::new("an argument").context(&contexts::ACTION_CONTAINER).text(Text::Any);
static CONTAINER_ENV: Def = Def::map("`env`", &contexts::ACTION_CONTAINER);
static RUNS_IF: Def = Def::new("a condition").context(&contexts::ACTION_IF).text(Text::Any);

static STEPS: Def = Def::new("`steps`").sequence(&STEP);
static STEP: Def = Def::new("a step").mappings(&[&RUN, &USES]);
static RUN: MappingDef = MappingDef::of(&[
    Property::new("name", &TEXT),
    Property::new("id", &NON_EMPTY),
    Property::new("if", &IF),
    Property::required("run", &TEXT),
    Property::required("shell", &TEXT),
    Property::new("env", &MAP),
    Property::new("continue-on-error", &CONTINUE_ON_ERROR),
    Property::new("working-directory", &TEXT),
]);
static USES: MappingDef = MappingDef::of(&[
    Property::new("name", &TEXT),
    Property::new("id", &NON_EMPTY),
    Property::new("if", &IF),
    Property::required("uses", &NON_EMPTY),
    Property::new("with", &MAP),
    Property::new("env", &MAP),
    Property::new("continue-on-error", &CONTINUE_ON_ERROR),
]);
static TEXT: Def = Def::new("").context(&contexts::COMPOSITE).text(Text::Any);
static MAP: Def = Def::map("", &contexts::COMPOSITE);
static IF: Def = Def::new("`if`").context(&contexts::COMPOSITE_IF).text(Text::Any);
static CONTINUE_ON_ERROR: Def = Def::new("`continue-on-error`").context(&contexts::COMPOSITE).boolean();

static BRANDING: Def = Def::new("`branding`")
    .mappings(&[&MappingDef::of(&[Property::new("icon", &ICON), Property::new("color", &COLOR)])]);
/// Any of Feather's icons; which ones there are is checked by GitHub's marketplace, not by its runner.
static ICON: Def = Def::new("`icon`").text(Text::NonEmpty);
static COLOR: Def = Def::new("`color`").text(Text::OneOf(&[
    "white",
    "yellow",
    "blue",
    "green",
    "orange",
    "red",
    "purple",
    "gray-dark",
]));
