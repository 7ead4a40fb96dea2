//! What the account and those who call it take for Amazon's registries: two crates that know nothing of each other.
use wfrun_agent::ecr_registry::account_and_region;
use wfrun_aws::{registry_account_and_region, registry_name};

/// Source: AWS General Reference, "Amazon ECR endpoints and quotas".
#[test]
fn both_take_the_same_hosts_for_amazons() {
    for (host, parts) in [
        ("123456789012.dkr.ecr.us-east-1.amazonaws.com", Some(("123456789012", "us-east-1"))),
        ("123456789012.dkr.ecr-fips.us-east-1.amazonaws.com", Some(("123456789012", "us-east-1"))),
        ("123456789012.dkr.ecr.cn-north-1.amazonaws.com.cn", Some(("123456789012", "cn-north-1"))),
        ("123456789012.dkr.ecr.us-gov-west-1.amazonaws.com", Some(("123456789012", "us-gov-west-1"))),
        (&registry_name("000000000000", "eu-west-1"), Some(("000000000000", "eu-west-1"))),
        ("123456789012.dkr.ecr.us-east-1.amazonaws.com.evil", None),
        ("123456789012.dkr.ecr.us-east-1.amazonaws.com:443", None),
        ("123456789012.dkr.ecr.us-east-1.evil.amazonaws.com", None),
        ("123456789012.dkr.ecr.us-east-1.evil", None),
        ("123456789012.dkr.ecr..amazonaws.com", None),
        ("12345678901.dkr.ecr.us-east-1.amazonaws.com", None),
        ("12345678901x.dkr.ecr.us-east-1.amazonaws.com", None),
        ("123456789012.dkr.ecr-public.us-east-1.amazonaws.com", None),
        ("public.ecr.aws", None),
        ("ghcr.io", None),
        ("", None),
    ] {
        assert_eq!((account_and_region(host), registry_account_and_region(host)), (parts, parts), "{host}");
    }
}
