// SPDX-License-Identifier: GPL-2.0-only
// Hook: kvm_init_vm_address_properties: which physical address bit is the C-bit?
// Upstream asks the CPUID instruction, in user space, where no kernel can
// answer for the software SNP platform (QEMU says 0); KVM's answer is right on
// both.
// Expect: kvm_cpu_property 1
@@
@@
kvm_init_vm_address_properties(...)
{
<...
- this_cpu_property(X86_PROPERTY_SEV_C_BIT)
+ kvm_cpu_property(X86_PROPERTY_SEV_C_BIT)
...>
}
