%define private_prefix dav1d
%define ARCH_X86_32 0
%define ARCH_X86_64 1
%define FORCE_VEX_ENCODING 0
%define PIC 1
%define STACK_ALIGNMENT 16
