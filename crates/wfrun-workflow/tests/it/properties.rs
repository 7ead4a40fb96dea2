//! What holds for every text.
use proptest::prelude::*;

use crate::checks;

/// Pieces that workflows are made of, so that chance gets past the first key.
const PIECES: &[&str] = &[
    "on: push\n",
    "on:\n  push:\n    branches: [main]\n",
    "jobs:\n",
    "  a:\n",
    "  b:\n",
    "    needs: a\n",
    "    needs: [b, c]\n",
    "    runs-on: x\n",
    "    if: github.ref\n",
    "    if: ${{ secrets.X }}\n",
    "    steps:\n",
    "    - run: echo\n",
    "    - uses: a/b@c\n",
    "      with: {x: 1}\n",
    "      env: {A: '${{ env.B }}'}\n",
    "      id: x\n",
    "    timeout-minutes: 5\n",
    "    strategy: {}\n",
    "env: {A: 1}\n",
    "env: [1]\n",
    "name: x\n",
    "on: {workflow_dispatch: {inputs: {a: {type: choice, options: [x]}}}}\n",
    "on: {workflow_call: {inputs: {a: {type: string}}}}\n",
    "on: {schedule: [{cron: '* * * * *'}]}\n",
    "permissions: read-all\n",
    "    permissions: {contents: write}\n",
    "    concurrency: {group: a, queue: max}\n",
    "    uses: ./.github/workflows/w.yml\n",
    "    with: {a: 1}\n",
    "    secrets: inherit\n",
    "    strategy: {matrix: {a: [1, 2], exclude: [{a: 1}]}}\n",
    "    strategy: {matrix: '${{ fromJSON(needs.a.outputs.m) }}'}\n",
    "    container: {image: x, env: {A: '${{ env.B }}'}}\n",
    "    services: {db: {image: y, ports: [1]}}\n",
    "    environment: {name: e, url: '${{ steps.x.outputs.u }}'}\n",
    "    outputs: {o: '${{ steps.x.outputs.o }}'}\n",
    "    - {id: x, run: a, background: true}\n",
    "    - wait: x\n",
    "    - wait-all:\n",
    "    - cancel: x\n",
    "    - parallel: [{run: a}, {uses: ./b}]\n",
    "    - if: always() && ${{ x }}\n",
    "      ${{ insert }}: ${{ fromJSON('{}') }}\n",
    "&a ",
    "*a\n",
    "- ",
    "? ",
    ": ",
    "\t",
    "${{ ",
    " }}",
    "'",
    "\"",
    "|\n",
    "é",
    "\r\n",
];

proptest! {
    #[test]
    fn no_workflow_like_text_panics(pieces in prop::collection::vec(prop::sample::select(PIECES), 0..40)) {
        checks::workflow(&pieces.concat());
    }

    #[test]
    fn no_action_like_text_panics(pieces in prop::collection::vec(prop::sample::select(PIECES), 0..20), composite: bool) {
        let head = if composite { "runs:\n  using: composite\n" } else { "runs: {using: docker, image: x}\n" };
        checks::action(&format!("name: a\ndescription: b\n{head}{}", pieces.concat()));
    }

    /// A file of the examples with some of its lines changed: most of what it says still has a meaning.
    #[test]
    fn no_changed_workflow_panics(
        changes in prop::collection::vec((0_usize..60, prop::sample::select(PIECES), any::<bool>()), 0..6),
    ) {
        let mut lines: Vec<String> = WHOLE.lines().map(|it| format!("{it}\n")).collect();
        for (at, piece, replace) in changes {
            let at = at % lines.len();
            if replace { lines[at] = piece.to_owned() } else { lines.insert(at, piece.to_owned()) }
        }
        checks::workflow(&lines.concat());
    }
}

/// A workflow that uses most of the language.
const WHOLE: &str = include_str!("whole.yml");
