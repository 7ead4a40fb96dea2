#![no_main]
libfuzzer_sys::fuzz_target!(|text: &str| wfrun_fuzz::expr_parse(text));
