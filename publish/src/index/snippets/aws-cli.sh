# The function's list of layers is replaced: name the others too.
aws lambda update-function-configuration --region {region} --function-name probe --layers {arn}
