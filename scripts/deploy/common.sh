# shellcheck shell=bash
# shellcheck disable=SC2034 # the commands that source this use the variables
# Shared by the commands of this folder: options, the stack, and calls of AWS. It is sourced, not run.

# shellcheck source=scripts/lib.sh
. "$(dirname "${BASH_SOURCE[0]}")/../lib.sh"

STACK=${ATELIER_STACK:-atelier} REGION='' YES=''
export AWS_PAGER=''

COMMON_OPTIONS='  --stack NAME     the CloudFormation stack; default atelier, or ATELIER_STACK
  --region REGION  default: the region in the configuration of the AWS command line'

# common_option ARGUMENT...: parses an option that all commands have, and sets TAKEN to its number of
# words; fails for any other argument.
common_option() {
	TAKEN=2
	case $1 in
	--stack) STACK=$(value "$@") || exit 1 ;; # value has reported the error
	--region) REGION=$(value "$@") || exit 1 ;;
	--yes) YES=yes TAKEN=1 ;;
	*) return 1 ;;
	esac
}

# value OPTION [VALUE...]: prints the option's value.
value() {
	[ $# -gt 1 ] && [ -n "$2" ] || die "$1 needs a value (see --help)"
	printf '%s' "$2"
}

unknown() { die "unknown argument $1 (see --help)"; }

# connect: sets ACCOUNT, REGION and the names that depend on them.
connect() {
	local problem
	command -v aws >/dev/null 2>&1 ||
		die "the AWS command line (aws) is not on the PATH: $(remedy awscli awscli2 'brew install awscli'), or see docs.aws.amazon.com/cli"
	REGION=${REGION:-${AWS_REGION:-${AWS_DEFAULT_REGION:-$(aws configure get region || true)}}}
	[ -n "$REGION" ] || die "no region is set: use --region (such as eu-central-1), or run aws configure"
	export AWS_REGION=$REGION AWS_DEFAULT_REGION=$REGION
	case $STACK in
	*[!a-z0-9-]* | [!a-z]* | *-) die "--stack $STACK: use lower-case letters, digits and hyphens, beginning with a letter, because buckets are named after the stack" ;;
	esac
	[ ${#STACK} -le 24 ] || die "--stack $STACK: use at most 24 characters, because buckets are named after the stack"
	problem=$(aws sts get-caller-identity --query Account --output text 2>&1) ||
		die "AWS does not accept the credentials: run aws configure or aws sso login, or set AWS_PROFILE; the error is: ${problem##*$'\n'}"
	ACCOUNT=$problem
	ARTIFACTS=$STACK-artifacts-$ACCOUNT-$REGION
	# Object with the location of a stack's data, for the next stack of the same name: see remember.
	KEPT=s3://$ARTIFACTS/kept
}

# stack_status: prints the stack's status, or NONE.
stack_status() {
	local status
	if status=$(aws cloudformation describe-stacks --stack-name "$STACK" --query 'Stacks[0].StackStatus' --output text 2>&1); then
		echo "$status"
	else
		case $status in *'does not exist'*) echo NONE ;; *) die "CloudFormation can't be reached: ${status##*$'\n'}" ;; esac
	fi
}

# read_stack: reads the stack's outputs and parameters, for the functions output and parameter.
read_stack() {
	VALUES=$(aws cloudformation describe-stacks --stack-name "$STACK" --output text \
		--query "Stacks[0].[Outputs[].['output',OutputKey,OutputValue],Parameters[].['parameter',ParameterKey,ParameterValue]][]") ||
		die "there is no stack $STACK in $REGION: run scripts/deploy/up, or set --stack and --region"
}

output() { value_of output "$1"; }
parameter() { value_of parameter "$1"; }
value_of() { awk -F'\t' -v kind="$1" -v key="$2" '$1 == kind && $2 == key { print $3 }' <<<"$VALUES"; }

# remember: stores the location of the stack's data: bucket, file system and API keys.
remember() {
	printf '%s %s %s\n' "$(output BucketName)" "$(output FileSystemId)" "$(output KeysLocation)" | aws s3 cp --only-show-errors - "$KEPT"
}

# recall: sets BUCKET, FILE_SYSTEM and KEYS to what remember has stored; empty if there is nothing.
recall() {
	BUCKET='' FILE_SYSTEM='' KEYS=''
	object_exists "$KEPT" || return 0
	read -r BUCKET FILE_SYSTEM KEYS < <(aws s3 cp --only-show-errors "$KEPT" -)
}

# resource LOGICAL-ID: prints a resource's name on AWS; nothing if the stack does not have it.
resource() {
	aws cloudformation list-stack-resources --stack-name "$STACK" --output text \
		--query "StackResourceSummaries[?LogicalResourceId=='$1'].PhysicalResourceId"
}

# sqs ARGUMENT...: runs aws sqs, which in version 1 ignores AWS_ENDPOINT_URL.
sqs() { aws sqs "$@" ${AWS_ENDPOINT_URL:+--endpoint-url "$AWS_ENDPOINT_URL"}; }

# confirm QUESTION: asks for confirmation, unless --yes was given.
confirm() {
	local answer=''
	if [ -n "$YES" ]; then return; fi
	[ -t 0 ] || die "can't ask for confirmation without a terminal: add --yes"
	read -r -p "$1 [y/N] " answer
	case $answer in y | Y | yes) ;; *) die "nothing was done" ;; esac
}

# exists ABSENT COMMAND...: succeeds if the command does, and fails if AWS's error contains ABSENT.
# Any other error, such as expired credentials, ends the program, because it proves nothing.
exists() {
	local absent=$1 problem
	shift
	if problem=$("$@" 2>&1 >/dev/null); then return 0; fi
	case $problem in *"$absent"*) return 1 ;; esac
	die "the request to AWS failed (${problem##*$'\n'}): repair the cause and run the same command again"
}

# object_exists S3-URL
object_exists() {
	local rest=${1#s3://}
	exists '(404)' aws s3api head-object --bucket "${rest%%/*}" --key "${rest#*/}"
}

bucket_exists() { exists '(404)' aws s3api head-bucket --bucket "$1"; }

# maintain TASK [PAIR]: invokes the maintenance function, as one of two executions if PAIR is given,
# and waits for its end; sets LOG to the end of its log.
maintain() {
	local scratch result
	scratch=$(mktemp -d)
	printf '{"task":"%s"%s}' "$1" "${2:+,\"pair\":\"$2\"}" >"$scratch/event"
	result=$(aws lambda invoke --function-name "$(output MaintenanceFunctionName)" --payload "fileb://$scratch/event" \
		--log-type Tail --cli-read-timeout 320 --query '[FunctionError,LogResult]' --output text "$scratch/response") ||
		die "the maintenance function could not be invoked (see above); run the same command again"
	if [ "${result%%$'\t'*}" != None ]; then
		say "$(cat "$scratch/response")"
		rm -rf "$scratch"
		die "the maintenance function's task $1 failed (see above and scripts/deploy/logs maintenance); run the same command again"
	fi
	LOG=$(base64 -d <<<"${result#*$'\t'}")
	rm -rf "$scratch"
}

# costs MODE: prints the costs at rest.
costs() {
	say "  Costs at rest per month in us-east-1 (prices of 2026-11; see scripts/deploy/README.md):
    data       0.30 \$ for each GB on EFS, 0.023 \$ on S3
    alarms     0.10 \$ for each metric beyond the account's first ten: at most 1.80 \$
    metrics    0.30 \$ for each beyond the account's first ten, in hours in which it is written;
               sweeps write seven: at most 2.10 \$
    dashboard  3.00 \$ beyond the account's first three
    sweeps     about 0.20 \$: a function of 512 MB every minute
    queue      nothing within SQS's first million requests, 0.40 \$ for each further million
    network    nothing: no NAT gateway, no interface endpoint, no public IPv4 address"
	case $1 in
	serverless) ;;
	*) say "    instances  nothing while no jobs wait: the group has no instances then" ;;
	esac
	say "  Jobs are billed by use in addition: see the table in the README."
}

# wait_for_stack PID WHAT QUERY: waits until the process ends, and meanwhile reports the number of
# resources that match QUERY as WHAT. The exit status is that of the process.
wait_for_stack() {
	local process=$1 what=$2 query=$3 count last='' began=$SECONDS
	while kill -0 "$process" 2>/dev/null; do
		sleep 5
		count=$(aws cloudformation list-stack-resources --stack-name "$STACK" --output text --query "length(StackResourceSummaries[?$query])" 2>/dev/null) || continue
		[ "$count" = "$last" ] || say "  $count resources are $what ($((SECONDS - began)) s)"
		last=$count
	done
	wait "$process"
}
