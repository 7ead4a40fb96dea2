use std::collections::HashSet;

use super::definition::{check_members, without_empty};
use super::*;

#[test]
fn empty_members_are_dropped() {
    let cases = [
        (json!({ "a": [], "b": "", "c": null, "d": {}, "e": false, "f": 0 }), "", Some(json!({ "e": false, "f": 0 }))),
        (json!({ "a": [{ "b": [] }, { "c": 1 }, ""] }), "", Some(json!({ "a": [{ "c": 1 }] }))),
        (json!({ "a": { "b": { "c": [] } } }), "", None),
        (json!({ "a": null, "b": 1 }), "a", Some(json!({ "a": null, "b": 1 }))),
        // Whether an object is empty does not depend on what is to be kept.
        (json!({ "x": { "a": null }, "b": 1 }), "a", Some(json!({ "b": 1 }))),
    ];
    for (value, keep, expected) in cases {
        let keep: HashSet<String> = keep.split(',').map(str::to_owned).collect();
        assert_eq!(without_empty(&value, &keep), expected, "{value}");
    }
}

type Change<'a> = &'a dyn Fn(&mut Value);

#[test]
fn the_old_sdk_refuses_young_members() {
    let base = json!({ "family": "f", "containerDefinitions": [{ "name": "c" }] });
    let with = |change: &dyn Fn(&mut Value)| {
        let mut definition = base.clone();
        change(&mut definition);
        check_members(&definition).err().map(|error| error.to_string())
    };
    assert_eq!(with(&|_| {}), None);
    let cases: [(Change<'_>, &str); 5] = [
        (&|it| it["enableFaultInjection"] = json!(false), "Unexpected key 'enableFaultInjection' found in params"),
        (
            &|it| it["containerDefinitions"][0]["restartPolicy"] = json!({}),
            "Unexpected key 'restartPolicy' found in params.containerDefinitions[0]",
        ),
        (
            &|it| it["volumes"] = json!([{ "s3filesVolumeConfiguration": {} }]),
            "Unexpected key 's3filesVolumeConfiguration' found in params.volumes[0]",
        ),
        (&|it| *it = json!({ "containerDefinitions": [] }), "Missing required key 'family' in params"),
        (
            &|it| {
                it["a"] = json!(1);
                it["b"] = json!(1);
            },
            "There were 2 validation errors:\n* UnexpectedParameter: Unexpected key 'a' found in params\n\
             * UnexpectedParameter: Unexpected key 'b' found in params",
        ),
    ];
    for (change, expected) in cases {
        assert_eq!(with(change).as_deref(), Some(expected));
    }
}
