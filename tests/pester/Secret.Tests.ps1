BeforeAll {
    Import-Module $PSScriptRoot/TestHelper.psm1 -Force
    Import-BuiltModule
    $site = Start-AlloyScanSampleSite -Devices 30
    $secret = $site.Credential.GetNetworkCredential().Password
    $store = Join-Path $TestDrive 'secret.db'
}

AfterAll {
    Get-AlloyScanConnection | Disconnect-AlloyScan
    Stop-AlloyScanSampleSite
}

Describe 'The client secret' {
    It 'appears in no stream of the main job' {
        $VerbosePreference = $DebugPreference = $InformationPreference = 'Continue'
        $all = & {
            $site
            $site | Connect-AlloyScan
            Get-AlloyScanConnection | Format-List *
            Test-AlloyScanConnection -Detailed | Format-List *
            Get-AlloyScanDevice | Select-Object -First 2 | Get-AlloyScanSnapshot | ConvertTo-Json -Depth 6
            New-AlloyScanSyncJob HQ -Store $store | Format-List *
            Get-AlloyScanSyncJob -Store $store | ConvertTo-Json -Depth 6
            Get-AlloyScanSyncPlan HQ -Store $store
            Invoke-AlloyScanSync HQ -Store $store | Format-List *
            Test-AlloyScanSync HQ -Store $store | Format-List *
            Set-AlloyScanSyncJob HQ -SiteUrl 'http://127.0.0.1:9' -SiteChange SameSite -Store $store -PassThru
            Invoke-AlloyScanSync HQ -Store $store -ErrorAction Continue
            $Error | Select-Object -First 3 | ForEach-Object { $_ | Format-List * -Force; $_.Exception.ToString() }
        } *>&1 | Out-String -Width 4096
        $all.Length | Should -BeGreaterThan 5000
        $all | Should -Not -BeLike "*$secret*"
        $all | Should -Not -Match 'Bearer\s+[A-Za-z0-9]'
    }

    It 'is not in the store in readable form' {
        foreach ($file in Get-ChildItem "$store*") {
            # SQLite keeps the files open; reading beside it is allowed.
            $stream = [System.IO.FileStream]::new($file.FullName, 'Open', 'Read', 'ReadWrite')
            try {
                $bytes = [byte[]]::new($stream.Length)
                $stream.ReadExactly($bytes, 0, $bytes.Length)
            }
            finally {
                $stream.Dispose()
            }

            [System.Text.Encoding]::Latin1.GetString($bytes) | Should -Not -BeLike "*$secret*"
        }
    }

    It 'is not in the error when the site refuses it' {
        $wrong = 'Xq7-not-the-secret-0815'
        $credential = [pscredential]::new($site.ClientId, (ConvertTo-SecureString $wrong -AsPlainText -Force))
        $record = Get-ErrorOf { Connect-AlloyScan $site.SiteUrl $credential -Verbose }
        $record.FullyQualifiedErrorId | Should -BeLike 'InvalidClient,*'
        ($record | Format-List * -Force | Out-String) + $record.Exception.ToString() | Should -Not -BeLike "*$wrong*"
    }

    It 'is not in the arguments of the sample site''s process' {
        if (-not $IsLinux) {
            Set-ItResult -Skipped -Because 'arguments of a process are read from /proc'
            return
        }

        Get-Content "/proc/$($site.ProcessId)/cmdline" -Raw | Should -Not -BeLike "*$secret*"
    }
}
