use serde::{Deserialize, Serialize};
use serde_json::Value as Json;
use wfrun_expr::{Op, Trace};

/// A sub-expression that decided, with what it found.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Because {
    /// The sub-expression.
    pub expression: String,
    /// Its value.
    pub value: Json,
    /// The operands below it that are not literals, with their values.
    pub operands: Vec<Operand>,
}

/// What a context path held.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Operand {
    /// The operand as written: `github.ref`.
    pub expression: String,
    /// What it was.
    pub value: Json,
}

impl Because {
    /// The deciding sub-expressions of `trace`.
    pub fn of(trace: &Trace) -> Vec<Self> {
        trace.because().into_iter().map(Self::from_leaf).collect()
    }

    fn from_leaf(leaf: &Trace) -> Self {
        let named = leaf.operands.iter().filter(|it| it.op != Op::Literal && it.is_reached());
        let operands = named.map(|it| Operand { expression: it.text.to_string(), value: json(it) }).collect();
        Self { expression: leaf.text.to_string(), value: json(leaf), operands }
    }
}

fn json(trace: &Trace) -> Json {
    serde_json::to_value(trace.value()).unwrap_or(Json::Null)
}
