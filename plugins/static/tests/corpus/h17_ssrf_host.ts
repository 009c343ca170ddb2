export async function status(region: string): Promise<string> {
  const response = await fetch(`https://${region}/health`);
  return await response.text();
}
