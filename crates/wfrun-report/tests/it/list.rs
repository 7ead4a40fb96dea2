//! The list of workflows.
use insta::{assert_json_snapshot, assert_snapshot};
use wfrun_report::{Listed, Style, list_json, list_text};
use wfrun_syntax::{Diagnostic, Source, Span};
use wfrun_workflow::{ReadOptions, read_workflow};

const RELEASE: &str = "\
name: Release
on:
  push:
    branches: [main, 'releases/**', '!releases/**-alpha', next, beta]
    paths-ignore: ['docs/**']
  pull_request: {types: [opened, labeled]}
  schedule: [{cron: '5 4 * * 1'}]
  workflow_run: {workflows: [Test], types: [completed]}
  workflow_dispatch:
    inputs:
      target: {type: choice, options: [dev, prod], required: true}
      dry: {type: boolean, default: true}
      note: {}
  workflow_call:
    inputs: {level: {type: number, default: 3}}
permissions: {contents: read, id-token: write}
env:
  TOKEN: ${{ secrets.GITHUB_TOKEN }}
  REGION: ${{ vars.REGION }}
jobs:
  build:
    permissions: read-all
    runs-on: ${{ vars.Region }}-runner
    steps:
      - run: echo ${{ secrets.b_key }} ${{ secrets.A_KEY }}
        env: {KEY: '${{ secrets.B_KEY }}'}
  publish: {needs: build, uses: './.github/workflows/publish.yml', secrets: inherit}
";

fn listed() -> Vec<Listed> {
    let read = |path: &str, text: &str| {
        let read = read_workflow(&Source::new(path, text), ReadOptions::default());
        assert!(!read.has_errors(), "{:?}", read.diagnostics);
        Listed::Valid(Box::new(read.value))
    };
    let source = Source::new(".github/workflows/bad.yml", "on: psuh\n");
    let error = Diagnostic::error("workflow/unknown-event", "Unexpected value 'psuh'").at(&source, Span::new(4, 8));
    vec![
        Listed::Invalid { path: source.path().to_owned(), error: Box::new(error) },
        read(".github/workflows/release.yml", RELEASE),
        read(
            ".github/workflows/test.yml",
            "on: push\npermissions: {}\njobs: {test: {runs-on: x, steps: [{run: x}]}}\n",
        ),
    ]
}

#[test]
fn text() {
    assert_snapshot!("list-text", list_text(&listed(), &Style { unicode: true, ..Style::plain(100) }));
    assert_snapshot!("list-text-narrow", list_text(&listed(), &Style::plain(50)));
    assert_eq!(list_text(&[], &Style::plain(80)), "");
}

#[test]
fn json() {
    assert_json_snapshot!("list-json", list_json(&listed()));
    assert_eq!(list_json(&[]).to_string(), "[]");
}
