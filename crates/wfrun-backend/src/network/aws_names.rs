/// The domains below which everything is AWS's. Source: AWS General Reference, "Service endpoints and quotas".
const DOMAINS: [&str; 4] = ["amazonaws.com", "amazonaws.com.cn", "api.aws", "public.ecr.aws"];

/// Services with one name for each region.
const REGIONAL: [&str; 39] = [
    "acm",
    "api.ecr",
    "apigateway",
    "athena",
    "autoscaling",
    "bedrock-runtime",
    "cloudformation",
    "codedeploy",
    "cognito-idp",
    "dynamodb",
    "ec2",
    "ecr",
    "ecs",
    "eks",
    "elasticache",
    "elasticbeanstalk",
    "elasticfilesystem",
    "elasticloadbalancing",
    "email",
    "events",
    "execute-api",
    "firehose",
    "glue",
    "kinesis",
    "kms",
    "lambda",
    "logs",
    "monitoring",
    "rds",
    "redshift",
    "s3",
    "s3-accelerate",
    "secretsmanager",
    "sns",
    "sqs",
    "ssm",
    "ssmmessages",
    "states",
    "sts",
];

/// Names that belong to no region.
const GLOBAL: [&str; 9] = [
    "amazonaws.com",
    "api.ecr-public.us-east-1.amazonaws.com",
    "cloudfront.amazonaws.com",
    "iam.amazonaws.com",
    "organizations.us-east-1.amazonaws.com",
    "public.ecr.aws",
    "route53.amazonaws.com",
    "s3.amazonaws.com",
    "sts.amazonaws.com",
];

/// Whether a name is AWS's own, however it is written.
pub(super) fn is_aws(name: &str) -> bool {
    let name = name.trim_end_matches('.').to_ascii_lowercase();
    DOMAINS.iter().any(|domain| name.strip_suffix(domain).is_some_and(|rest| rest.is_empty() || rest.ends_with('.')))
}

/// The well-known names of AWS's endpoints in a region, for a hosts list where there can be no [`DnsGuard`](super::DnsGuard).
///
/// Differs: without a name server of wfrun's own, AWS names that are made up of another account or a bucket
/// (`ACCOUNT.dkr.ecr.REGION.amazonaws.com`, `BUCKET.s3.amazonaws.com`) are not kept from steps.
pub fn blocked_hosts(region: &str) -> Vec<String> {
    let suffix = if region.starts_with("cn-") { "amazonaws.com.cn" } else { "amazonaws.com" };
    let regional = REGIONAL.iter().map(|service| format!("{service}.{region}.{suffix}"));
    let dual_stack = ["ecs", "lambda", "sts"].iter().map(|service| format!("{service}.{region}.api.aws"));
    let mut names: Vec<String> = GLOBAL.iter().map(|&name| name.to_owned()).chain(regional).chain(dual_stack).collect();
    names.sort();
    names
}
