//go:build linux

package main

import (
	"bytes"
	"debug/elf"
	"encoding/binary"
	"errors"
	"fmt"
	"os"
	"sync"
)

// setClock changes the memory of a stopped process so that it reads a wall clock that is ahead by some seconds.
func setClock(pid int, seconds int64) error {
	offset, err := clockFunction()
	if err != nil {
		return err
	}
	base, err := vdsoOf(fmt.Sprint(pid))
	if err != nil {
		return err
	}
	mem, err := os.OpenFile(fmt.Sprintf("/proc/%d/mem", pid), os.O_RDWR, 0)
	if err != nil {
		return err
	}
	defer mem.Close()
	_, err = mem.WriteAt(clockCode(seconds), int64(base+offset)) //nolint:gosec // an address in user space
	return err
}

// clockCode returns the machine code of clock_gettime(id, *timespec): it makes the system call, and adds seconds to the
// result if the clock is the wall clock.
func clockCode(seconds int64) []byte {
	code := []byte{
		0xb8, 228, 0, 0, 0, // mov eax, SYS_clock_gettime
		0x0f, 0x05, // syscall
		0x85, 0xff, // test edi, edi: CLOCK_REALTIME is 0
		0x75, 13, // jne to ret
		0x48, 0xba, // mov rdx, seconds
	}
	code = binary.LittleEndian.AppendUint64(code, uint64(seconds)) //nolint:gosec // its bits
	return append(code,
		0x48, 0x01, 0x16, // add [rsi], rdx
		0xc3, // ret
	)
}

// clockFunction returns the offset of clock_gettime in the vDSO, which is the same in all processes.
var clockFunction = sync.OnceValues(func() (offset uint64, err error) {
	base, err := vdsoOf("self")
	if err != nil {
		return 0, err
	}
	mem, err := os.Open("/proc/self/mem")
	if err != nil {
		return 0, err
	}
	defer mem.Close()
	image := make([]byte, 64<<10)
	n, _ := mem.ReadAt(image, int64(base)) //nolint:gosec // an address in user space; what follows the vDSO can't be read
	f, err := elf.NewFile(bytes.NewReader(image[:n]))
	if err != nil {
		return 0, fmt.Errorf("the kernel's vDSO: %w", err)
	}
	symbols, err := f.DynamicSymbols()
	if err != nil {
		return 0, fmt.Errorf("the kernel's vDSO: %w", err)
	}
	for _, s := range symbols {
		if s.Name == "__vdso_clock_gettime" && s.Size >= uint64(len(clockCode(0))) {
			return s.Value, nil
		}
	}
	return 0, errors.New("the kernel's vDSO has no clock_gettime that could be changed")
})

// vdsoOf returns the address of a process's vDSO.
func vdsoOf(process string) (uint64, error) {
	b, err := os.ReadFile("/proc/" + process + "/auxv")
	if err != nil {
		return 0, err
	}
	const vdso = 33 // AT_SYSINFO_EHDR
	for ; len(b) >= 16; b = b[16:] {
		if binary.LittleEndian.Uint64(b) == vdso {
			return binary.LittleEndian.Uint64(b[8:]), nil
		}
	}
	return 0, errors.New("the process has no vDSO")
}
