"""Where files are: the bucket of what comes in and is kept, and the bucket of what is delivered."""

import json
import os

import boto3
from botocore.config import Config

s3 = boto3.client("s3", config=Config(signature_version="s3v4"))


class Media:
    """An object in the first bucket. Its name is its key without the folder it came in and without the extension."""

    def __init__(self, bucket, key):
        self.bucket, self.key = bucket, key
        _, _, self.path = key.partition("/")
        stem, dot, extension = self.path.rpartition(".")
        has_extension = bool(stem) and bool(dot) and "/" not in extension
        self.name = stem if has_extension else self.path
        self.extension = extension.lower() if has_extension else ""
        self._url = None

    def url(self):
        """A presigned URL to read the object. One that is missing fails here, with its status."""
        s3.head_object(Bucket=self.bucket, Key=self.key)
        where = {"Bucket": self.bucket, "Key": self.key}
        self._url = s3.generate_presigned_url("get_object", where, ExpiresIn=900)
        return self._url

    def without_url(self, text):
        """A message, with the key in place of the URL, which holds a signature."""
        return text.replace(self._url, self.key) if self._url else text

    def read(self, limit):
        """The object's content, if it has at most so many bytes."""
        answer = s3.get_object(Bucket=self.bucket, Key=self.key)
        if answer["ContentLength"] > limit:
            raise ValueError(f"the file has {answer['ContentLength']} bytes, and at most {limit} are read")
        return answer["Body"].read()

    def keep(self):
        """Copies it to original/. In parts where it is large: S3 copies at most 5 GB at once."""
        s3.copy({"Bucket": self.bucket, "Key": self.key}, self.bucket, f"original/{self.path}")

    def deliver(self, folder, extension):
        """Copies it as it is to the bucket of what is delivered."""
        where = {"Bucket": self.bucket, "Key": self.key}
        s3.copy(where, os.environ["DELIVERY_BUCKET"], f"{folder}/{self.name}.{extension}")

    def put(self, folder, extension, content, kind):
        """Writes something made of it to the bucket of what is delivered."""
        key = f"{folder}/{self.name}.{extension}"
        s3.put_object(Bucket=os.environ["DELIVERY_BUCKET"], Key=key, Body=content, ContentType=kind)

    def put_json(self, folder, value):
        self.put(folder, "json", json.dumps(value, ensure_ascii=False).encode(), "application/json")
