//! What a function finds in each cloud: where its code is, its variables, and who calls it.

use std::collections::BTreeMap;

use super::settings::Order;
use crate::model::Cloud;

/// Variables of the caller that a function gets: its credentials and its region.
const AWS: [&str; 5] =
    ["AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN", "AWS_REGION", "AWS_DEFAULT_REGION"];
const ALIYUN: [&str; 4] =
    ["ALIBABA_CLOUD_ACCESS_KEY_ID", "ALIBABA_CLOUD_ACCESS_KEY_SECRET", "ALIBABA_CLOUD_SECURITY_TOKEN", "FC_REGION"];

/// The endpoints of AWS, which the SDK takes from variables that begin so.
const AWS_ENDPOINTS: &str = "AWS_ENDPOINT_URL";

/// Where the function's code is in the root.
pub fn code(cloud: Cloud) -> &'static str {
    match cloud {
        Cloud::Aws => "var/task",
        Cloud::Aliyun => "code",
    }
}

/// The program that calls the handler, behind Python's own name.
pub fn client(cloud: Cloud, handler: &str) -> Vec<String> {
    let words: &[&str] = match cloud {
        Cloud::Aws => &["-m", "awslambdaric", handler],
        Cloud::Aliyun => &["/var/runtime/fc_runtime.py", handler],
    };
    words.iter().map(|word| (*word).to_owned()).collect()
}

/// The environment that the cloud gives a function called `name`, and what the caller has for it. `python` is the
/// folder of the interpreter's library, such as `python3.13`.
pub fn variables(order: &Order<'_>, name: &str, python: &str) -> BTreeMap<String, String> {
    let mut env = match order.function.cloud {
        Cloud::Aws => lambda(order, name, python),
        Cloud::Aliyun => function_compute(order, name, python),
    };
    let passed: &[&str] = match order.function.cloud {
        Cloud::Aws => &AWS,
        Cloud::Aliyun => &ALIYUN,
    };
    let wanted = |name: &str| {
        passed.contains(&name)
            || (order.function.cloud == Cloud::Aws && name.starts_with(AWS_ENDPOINTS))
            || order.function.environment.iter().any(|own| own == name)
    };
    env.extend(std::env::vars_os().filter_map(|(name, value)| {
        let (name, value) = (name.into_string().ok()?, value.into_string().ok()?);
        wanted(&name).then_some((name, value))
    }));
    env
}

fn lambda(order: &Order<'_>, name: &str, python: &str) -> BTreeMap<String, String> {
    let region = std::env::var("AWS_REGION").or_else(|_| std::env::var("AWS_DEFAULT_REGION"));
    let region = region.unwrap_or_else(|_| "us-east-1".to_owned());
    owned(&[
        ("AWS_DEFAULT_REGION", &region),
        ("AWS_EXECUTION_ENV", &format!("AWS_Lambda_{}", order.function.runtime)),
        ("AWS_LAMBDA_FUNCTION_MEMORY_SIZE", &order.memory.to_string()),
        ("AWS_LAMBDA_FUNCTION_NAME", name),
        ("AWS_LAMBDA_FUNCTION_VERSION", "$LATEST"),
        ("AWS_LAMBDA_INITIALIZATION_TYPE", "on-demand"),
        ("AWS_LAMBDA_LOG_GROUP_NAME", &format!("/aws/lambda/{name}")),
        ("AWS_LAMBDA_LOG_STREAM_NAME", "local"),
        ("AWS_REGION", &region),
        ("LAMBDA_RUNTIME_DIR", "/var/runtime"),
        ("LAMBDA_TASK_ROOT", "/var/task"),
        ("LANG", "en_US.UTF-8"),
        (
            "LD_LIBRARY_PATH",
            "/var/lang/lib:/lib64:/usr/lib64:/var/runtime:/var/runtime/lib:/var/task:/var/task/lib:/opt/lib",
        ),
        ("PATH", "/var/lang/bin:/usr/local/bin:/usr/bin/:/bin:/opt/bin"),
        ("PYTHONPATH", &format!("/var/packages:/opt/python/lib/{python}/site-packages:/opt/python:/var/runtime")),
        ("TZ", ":UTC"),
        ("_HANDLER", &order.function.handler),
    ])
}

fn function_compute(order: &Order<'_>, name: &str, python: &str) -> BTreeMap<String, String> {
    owned(&[
        ("FC_ACCOUNT_ID", "1234567890123456"),
        ("FC_FUNC_CODE_PATH", "/code"),
        ("FC_FUNCTION_HANDLER", &order.function.handler),
        ("FC_FUNCTION_MEMORY_SIZE", &order.memory.to_string()),
        ("FC_FUNCTION_NAME", name),
        ("FC_FUNCTION_TIMEOUT", &order.timeout.as_secs().to_string()),
        ("FC_REGION", "cn-hangzhou"),
        ("LANG", "C.UTF-8"),
        ("LD_LIBRARY_PATH", "/code:/code/lib:/usr/local/lib:/opt/lib"),
        ("PATH", "/usr/local/bin:/usr/bin:/bin:/opt/bin"),
        ("PYTHONPATH", &format!("/var/packages:/opt/python/lib/{python}/site-packages:/opt/python")),
    ])
}

fn owned(variables: &[(&str, &str)]) -> BTreeMap<String, String> {
    variables.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
}
