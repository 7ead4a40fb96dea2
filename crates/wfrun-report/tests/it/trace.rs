//! How an expression came to its value, as text.
use insta::assert_snapshot;
use serde_json::json;
use wfrun_expr::{Called, Scope, Value, evaluate, parse_in};
use wfrun_report::{Style, trace_text};

struct Github(Value);

impl Scope for Github {
    fn context(&self, _: &str) -> Value {
        self.0.clone()
    }

    fn call(&self, _: &str, _: &[Value]) -> Called {
        Called::NotYet
    }
}

fn shown(text: &str) -> String {
    let scope = Github(Value::from(json!({"ref": "refs/heads/dev", "list": [1, 2], "long": "x".repeat(200)})));
    let expr = parse_in(text, &["github"], &[]).expect("it is well-formed");
    trace_text(&evaluate(&expr, &scope).expect("it has a value"), &Style::plain(80))
}

#[test]
fn parts_stand_below_what_they_are_parts_of() {
    assert_snapshot!(shown("github.ref == 'refs/heads/main' && contains(github.list, 3) || !github.nope"), @r#"
    github.ref == 'refs/heads/main' && contains(github.list, ...  true
      github.ref == 'refs/heads/main' && contains(github.list...  false
        github.ref == 'refs/heads/main'                           false
          github.ref                                              'refs/heads/dev'
        contains(github.list, 3)                                  not reached
      !github.nope                                                true
        github.nope                                               null
    "#);
}

#[test]
fn long_texts_are_cut() {
    assert_snapshot!(shown("format('a\n{0}{1}', github.long, github.list) == 'a text that is quite long, too long for a line'"), @r#"
    format('a {0}{1}', github.long, github.list) == 'a text t...  false
      format('a {0}{1}', github.long, github.list)                'a xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx…
        github.long                                               'xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx…
        github.list                                               Array of 2
    "#);
    assert_snapshot!(shown("'constant'"), @r#"
    'constant'  'constant'
    "#);
}
