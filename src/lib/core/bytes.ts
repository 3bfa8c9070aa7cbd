/** Bytes in a mebibyte and a gibibyte, the units of our columns: Proxmox counts so, and calls them MB and GB. */
export const MIB = 1024 ** 2;
export const GIB = 1024 ** 3;
