//! What is said of an expression before the run.
use serde_json::json;
use wfrun_expr::{Availability, Called, EvalError, Reached, Scope, Template, Value, foresee};

use crate::world::World;

/// Knows all but `needs.a.outputs` and what `hashFiles` says.
struct Before(World);

impl Scope for Before {
    fn context(&self, name: &str) -> Value {
        self.0.context(name)
    }

    fn call(&self, function: &str, args: &[Value]) -> Called {
        self.0.call(function, args)
    }

    fn knows(&self, path: &[&str]) -> bool {
        let Some((context, rest)) = path.split_first() else { return true };
        let is = |name: &str, it: &str| name.eq_ignore_ascii_case(it);
        match rest {
            _ if !is("needs", context) => true,
            [] => false,
            [job, ..] if !is("a", job) => true,
            rest => rest.get(1).is_some_and(|it| is("result", it)),
        }
    }
}

#[test]
fn what_is_known_settles_what_it_can() {
    let contexts = json!({
        "github": {"event_name": "push", "ref": "refs/heads/dev"},
        "needs": {"a": {"result": "success"}, "b": {"result": "skipped", "outputs": {}}},
    });
    let before = Before(World::new(&contexts));
    for (text, expected, because) in [
        ("github.ref == 'refs/heads/main'", Some("false"), vec!["github.ref == 'refs/heads/main'"]),
        ("needs.a.outputs.x", None, vec!["needs.a.outputs.x"]),
        ("NEEDS.A.outputs.x == 'y'", None, vec!["NEEDS.A.outputs.x == 'y'"]),
        ("needs.a.result == 'success'", Some("true"), vec!["needs.a.result == 'success'"]),
        ("needs.b.outputs.x == ''", Some("true"), vec!["needs.b.outputs.x == ''"]),
        ("toJSON(needs) == ''", None, vec!["toJSON(needs) == ''"]),
        ("needs.*.result", None, vec!["needs.*.result"]),
        ("needs.a.outputs.x && github.ref == 'x'", Some("false"), vec!["github.ref == 'x'"]),
        ("github.ref == 'x' && needs.a.outputs.x", Some("false"), vec!["github.ref == 'x'"]),
        ("needs.a.outputs.x || github.event_name == 'push'", Some("true"), vec!["github.event_name == 'push'"]),
        ("github.event_name == 'push' && needs.a.outputs.x", None, vec!["needs.a.outputs.x"]),
        ("!needs.a.outputs.x", None, vec!["needs.a.outputs.x"]),
        ("!(needs.a.outputs.x && false)", Some("true"), vec!["false"]),
        ("success() && hashFiles('x') != ''", None, vec!["hashFiles('x') != ''"]),
        ("failure() && hashFiles('x') != ''", Some("false"), vec!["failure()"]),
        (
            "contains(needs.a.outputs.x, 'y') || needs.a.outputs.z",
            None,
            vec!["contains(needs.a.outputs.x, 'y')", "needs.a.outputs.z"],
        ),
        ("format('{0}', needs.a.result)", Some("success"), vec!["format('{0}', needs.a.result)"]),
    ] {
        let expr = before.0.parse(text).unwrap_or_else(|err| panic!("{text}: {err}"));
        let trace = foresee(&expr, &before).unwrap_or_else(|err| panic!("{text}: {err}"));
        let value = match &trace.reached {
            Reached::Value(it) => Some(it.to_text()),
            Reached::NotYet => None,
            Reached::No => panic!("{text} is not reached"),
        };
        assert_eq!(value.as_deref(), expected, "{text}");
        let found: Vec<_> = trace.because().iter().map(|it| it.text.to_string()).collect();
        assert_eq!(found, because, "{text}");
        let back = serde_json::to_string(&trace).and_then(|it| serde_json::from_str(&it)).expect("JSON");
        assert_eq!(trace, back, "{text}");
    }
}

/// A condition is settled by truth, a value is not: `x || 'b'` holds, and may be `x`.
#[test]
fn a_value_is_known_when_all_that_makes_it_is() {
    let contexts = json!({"github": {"ref": "main"}, "needs": {"a": {"result": "success"}}});
    let before = Before(World::new(&contexts));
    let here = Availability { contexts: &["github", "needs"], functions: &[] };
    for (text, expected) in [
        ("${{ needs.a.outputs.x || 'b' }}", Err("needs.a.outputs.x")),
        ("${{ needs.a.outputs.x == 'y' && 'a' || 'b' }}", Err("needs.a.outputs.x")),
        ("${{ github.ref == 'main' && 'a' || needs.a.outputs.x }}", Ok("a")),
        ("${{ needs.a.result && 'a' || needs.a.outputs.x }}", Ok("a")),
        ("i:${{ needs.a.outputs.x && 'a' || 'b' }}", Err("needs.a.outputs.x")),
        ("i:${{ github.ref }}", Ok("i:main")),
    ] {
        let template = Template::parse(text, &here).unwrap_or_else(|err| panic!("{text}: {err}"));
        let found = template
            .foresee(&before)
            .map(|it| it.value().to_text())
            .map_err(|err| if let EvalError::Unknown { parts } = err { parts.join(", ") } else { err.to_string() });
        assert_eq!(found, expected.map(str::to_owned).map_err(str::to_owned), "{text}");
    }
}
