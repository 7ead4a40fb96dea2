//! Why `aws` failed, in the words and with the exit codes of the AWS CLI.

use thiserror::Error;

use crate::standins::aws_client::AwsError;

/// What follows a wrong command line.
pub(super) const USAGE: &str = "aws [options] <command> <subcommand> [<subcommand> ...] [parameters]\n\
    To see help text, you can run:\n\n  aws help\n  aws <command> help\n  aws <command> <subcommand> help\n";

/// Commands of the AWS CLI that are met in deployments and that the stand-in does not have.
///
/// Another word is a typing error as far as anybody can tell, and is reported as the AWS CLI does.
const OTHER_SERVICES: &[&str] = &[
    "acm",
    "apigateway",
    "apigatewayv2",
    "application-autoscaling",
    "apprunner",
    "autoscaling",
    "batch",
    "cloudformation",
    "cloudfront",
    "cloudwatch",
    "codeartifact",
    "codebuild",
    "codedeploy",
    "codepipeline",
    "cognito-idp",
    "dynamodb",
    "ec2",
    "ecr-public",
    "efs",
    "eks",
    "elasticache",
    "elasticbeanstalk",
    "elb",
    "elbv2",
    "events",
    "firehose",
    "glue",
    "iam",
    "kinesis",
    "kms",
    "lambda",
    "lightsail",
    "login",
    "logs",
    "organizations",
    "rds",
    "redshift",
    "route53",
    "s3",
    "s3api",
    "sagemaker",
    "scheduler",
    "secretsmanager",
    "servicediscovery",
    "ses",
    "sesv2",
    "sns",
    "sqs",
    "ssm",
    "sso",
    "stepfunctions",
    "wafv2",
];

/// Whether the account on this machine has something of a service of the AWS CLI.
pub(super) fn is_emulated(service: &str) -> bool {
    ["ec2", "ecr-public", "elbv2", "iam", "logs"].contains(&service)
}

/// Whether `word` is a command of the AWS CLI.
pub(super) fn is_a_service(word: &str) -> bool {
    OTHER_SERVICES.contains(&word)
}

/// Why `aws` failed. The text is what follows `aws: [ERROR]: `.
#[derive(Debug, Error)]
pub(super) enum CliError {
    /// A parameter is wrong or missing.
    #[error("An error occurred (ParamValidation): {0}")]
    Parameter(String),
    /// Words that are no option of the command.
    #[error("Unknown options: {options}")]
    UnknownOptions {
        /// Joined by `, `.
        options: String,
    },
    /// The AWS CLI has it and the stand-in does not.
    #[error("not supported by wfrun's stand-in for `aws`: {what}; {way_out}")]
    NotSupported {
        /// What was asked for.
        what: String,
        /// What to do.
        way_out: String,
    },
    /// There is no access key.
    #[error(
        "An error occurred (NoCredentials): Unable to locate credentials. You can configure credentials by running \"aws login\"."
    )]
    NoCredentials,
    /// There is no account to talk to.
    #[error(
        "no AWS account to talk to: neither `--endpoint-url` nor `AWS_ENDPOINT_URL` is given, and the stand-in for `aws` \
         never leaves this machine; run the workflow with `--aws emulate`"
    )]
    NoEndpoint,
    /// The service answered with an error.
    #[error("An error occurred ({code}) when calling the {operation} operation: {message}")]
    Service {
        /// The error's code.
        code: String,
        /// The operation's name.
        operation: String,
        /// The service's text.
        message: String,
    },
    /// Anything else.
    #[error("{0}")]
    General(String),
    /// The exit code says it all.
    #[error("exit code {code}")]
    Silent {
        /// The exit code.
        code: u8,
    },
}

impl CliError {
    /// Source: AWS CLI user guide, "Command line return codes".
    pub(super) fn exit_code(&self) -> u8 {
        match self {
            Self::Parameter(_) | Self::UnknownOptions { .. } | Self::NotSupported { .. } => 252,
            Self::NoCredentials | Self::NoEndpoint => 253,
            Self::Service { .. } => 254,
            Self::General(_) => 255,
            Self::Silent { code } => *code,
        }
    }

    /// A wrong command line, followed by the usage.
    pub(super) fn usage(message: impl std::fmt::Display) -> Self {
        Self::Parameter(format!("{message}\n\nusage: {USAGE}"))
    }

    /// Missing arguments, joined by `, `.
    pub(super) fn missing(arguments: impl std::fmt::Display) -> Self {
        Self::usage(format!("the following arguments are required: {arguments}"))
    }

    /// A value that is none of the allowed ones.
    pub(super) fn invalid_choice(argument: &str, value: &str) -> Self {
        Self::usage(format!("argument {argument}: Found invalid choice '{value}'\n"))
    }

    /// A value that cannot be read.
    pub(super) fn parsing(argument: &str, reason: impl std::fmt::Display) -> Self {
        Self::Parameter(format!("Error parsing parameter '{argument}': {reason}"))
    }

    /// Something the stand-in does not have.
    pub(super) fn not_supported(what: impl Into<String>) -> Self {
        Self::NotSupported {
            what: what.into(),
            way_out: "install the AWS CLI, which asks the account on this machine".to_owned(),
        }
    }

    /// A command of a service that the account on this machine does not have.
    pub(super) fn not_emulated(what: String, service: &str) -> Self {
        let way_out = format!(
            "the AWS account on this machine has no `{service}` either, so that only a run with `--aws off` does it"
        );
        Self::NotSupported { what, way_out }
    }

    /// An error of the client, in the AWS CLI's words.
    pub(super) fn of_client(error: AwsError, endpoint: &str) -> Self {
        match error {
            AwsError::Service { operation, code, message, .. } => Self::Service { code, operation, message },
            AwsError::NoCredentials => Self::NoCredentials,
            AwsError::NoEndpoint { .. } => Self::NoEndpoint,
            AwsError::Http { source, .. } => Self::General(format!(
                "Could not connect to the endpoint URL: \"{}/\": {source}",
                endpoint.trim_end_matches('/')
            )),
            error @ (AwsError::NoRegion | AwsError::Malformed { .. }) => Self::General(error.to_string()),
        }
    }
}
