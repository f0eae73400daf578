export const DIFFERENCES: any[] = [];
