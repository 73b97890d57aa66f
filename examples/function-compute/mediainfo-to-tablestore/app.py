"""Stores MediaInfo's report of every object that is uploaded to a bucket of OSS in a table of Table Store."""

import json
import os
import subprocess

import oss2
import tablestore

# A string attribute of Table Store has at most 2 MB.
REPORT_LIMIT = 2 * 1024 * 1024


def handler(event, context):
    """Handles an event of OSS. Every object is tried; if one fails, the function fails, and the event comes again."""
    stored, failures = [], []
    keys = credentials(context)
    for record in json.loads(event)["events"]:
        bucket, key = record["oss"]["bucket"]["name"], record["oss"]["object"]["key"]
        try:
            # Writing the same report twice does no harm, so an event may come twice.
            store(key, report(bucket, key, record["region"], keys), keys)
            stored.append(key)
        except Exception as error:  # noqa: BLE001 - the other objects must not suffer
            failures.append(f"oss://{bucket}/{key}: {error}")
    if failures:
        raise RuntimeError("; ".join(failures))
    return json.dumps({"stored": stored})


def credentials(context):
    """The STS credentials of the function's role. Newer runtimes have them in variables, not in the context."""
    given = getattr(context, "credentials", None)
    if given is not None and given.access_key_id:
        return given.access_key_id, given.access_key_secret, given.security_token
    names = ["ACCESS_KEY_ID", "ACCESS_KEY_SECRET", "SECURITY_TOKEN"]
    return tuple(os.environ[f"ALIBABA_CLOUD_{name}"] for name in names)


def report(bucket, key, region, keys):
    """MediaInfo's full report of an object, as XML."""
    endpoint = os.environ.get("OSS_ENDPOINT") or f"https://oss-{region}-internal.aliyuncs.com"
    auth = oss2.StsAuth(*keys, auth_version=oss2.AUTH_VERSION_4)
    objects = oss2.Bucket(auth, endpoint, bucket, region=region)
    try:
        objects.head_object(key)
    except oss2.exceptions.OssError as error:
        # The whole error holds the request's headers.
        raise RuntimeError(f"OSS answers {error.status}") from None
    url = objects.sign_url("GET", key, 300, slash_safe=True)
    # The report shows the key in place of the URL, which holds a signature.
    command = ["/opt/bin/mediainfo", "--full", "--output=XML", f"--File_FileName={key}", url]
    done = subprocess.run(command, capture_output=True, text=True)
    if done.returncode != 0:
        raise RuntimeError(f"mediainfo ended with {done.returncode}: {done.stderr.replace(url, key).strip()}")
    return done.stdout


def store(key, text, keys):
    """Writes a report, and reads it back."""
    if len(text.encode()) > REPORT_LIMIT:
        raise RuntimeError(f"the report has {len(text.encode())} bytes, more than an attribute of Table Store holds")
    endpoint, instance = os.environ["TABLESTORE_ENDPOINT"], os.environ["TABLESTORE_INSTANCE"]
    client = tablestore.OTSClient(endpoint, keys[0], keys[1], instance, sts_token=keys[2])
    table, primary_key = os.environ["TABLE_NAME"], [("keyName", key)]
    client.put_row(table, tablestore.Row(primary_key, [("technicalMetadata", text)]))
    _, row, _ = client.get_row(table, primary_key, max_version=1)
    if row is None or {name: value for name, value, *_ in row.attribute_columns}.get("technicalMetadata") != text:
        raise RuntimeError("Table Store does not return the report that was written")
